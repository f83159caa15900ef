import torch

from userip_lightning.ctr.networks.deepfm import DeepFM
from userip_lightning.schema import FeatureSchema, Field

SCHEMA = FeatureSchema((Field("user_id", 7), Field("item_id", 11), Field("hobby", 4)))


def test_without_its_mlp_it_is_a_factorization_machine() -> None:
    torch.manual_seed(0)
    net = DeepFM(SCHEMA, embedding_dim=3).eval()
    torch.nn.init.normal_(net.embedding.table.weight)
    torch.nn.init.normal_(net.first_order.weight.table.weight)
    torch.nn.init.zeros_(net.output.weight)
    fields = torch.tensor([[0, 3, 1], [6, 10, 3]])
    table, weights = (
        net.embedding.table.weight.tolist(),
        net.first_order.weight.table.weight.flatten().tolist(),
    )
    expected = []
    for row in fields.tolist():
        at = [row[0], 7 + row[1], 18 + row[2]]
        logit = sum(weights[k] for k in at)
        for i in range(3):
            for j in range(i + 1, 3):
                logit += sum(a * b for a, b in zip(table[at[i]], table[at[j]], strict=True))
        expected.append(logit)
    assert torch.allclose(net(fields), torch.tensor(expected), atol=1e-5)
