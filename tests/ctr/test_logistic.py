import pytest
import torch

from userip_lightning.ctr.networks.biased_mf import BiasedMF
from userip_lightning.ctr.networks.logistic import Logistic, user_item_columns
from userip_lightning.errors import InputError
from userip_lightning.schema import FeatureSchema, Field

SCHEMA = FeatureSchema((Field("hobby", 4), Field("item_id", 11), Field("user_id", 7)))


def test_columns_are_found_by_name() -> None:
    assert user_item_columns(SCHEMA) == [2, 1]


def test_logits_are_user_plus_item_plus_bias() -> None:
    net = Logistic(SCHEMA)
    weight = net.first_order.weight.table.weight
    assert weight.shape == (7 + 11, 1)
    with torch.no_grad():
        weight.copy_(torch.arange(18.0).unsqueeze(1))
        net.first_order.bias.fill_(0.5)
    assert net(torch.tensor([[3, 10, 6], [0, 0, 0]])).tolist() == [6 + 17 + 0.5, 0 + 7 + 0.5]


@pytest.mark.parametrize("missing", ["user_id", "item_id"])
@pytest.mark.parametrize("network", [Logistic, BiasedMF])
def test_both_fields_are_needed(network: type[Logistic | BiasedMF], missing: str) -> None:
    schema = FeatureSchema(tuple(field for field in SCHEMA.fields if field.name != missing))
    with pytest.raises(InputError, match=f"needs a field '{missing}'"):
        network(schema)
