"""Same weights in, same logits and gradients out as deepctr-torch 0.3.0, for every network that it has."""

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from tests.ctr.deepctr_weights import PAIRS, Pair, equal_network, held_back, reference
from userip_lightning.schema import FeatureSchema, Field

SIZES = (7, 11, 4, 3, 5)
ROWS = 40

every_pair = pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
two_and_five_fields = pytest.mark.parametrize("count", [2, 5])


def schema_of(count: int) -> FeatureSchema:
    return FeatureSchema(tuple(Field(f"field{at}", size) for at, size in enumerate(SIZES[:count])))


def rows(schema: FeatureSchema) -> torch.Tensor:
    torch.manual_seed(1)
    return torch.stack([torch.randint(field.size, (ROWS,)) for field in schema.fields], dim=1)


@two_and_five_fields
@every_pair
def test_logits(pair: Pair, count: int) -> None:
    schema = schema_of(count)
    theirs = reference(pair, schema).eval()
    ours = equal_network(pair, schema, theirs).eval()
    fields = rows(schema)
    logits = ours(fields)
    expected = theirs(fields.double()).squeeze(1)
    assert expected.std() > 0.1
    assert torch.allclose(logits, expected, rtol=0, atol=1e-10)
    assert torch.allclose(ours.float()(fields).double(), expected, rtol=0, atol=1e-5)


@two_and_five_fields
@every_pair
def test_gradients_of_the_loss(pair: Pair, count: int) -> None:
    """In training, too: batch normalization uses the batch; neither side has dropout here."""
    schema = schema_of(count)
    theirs = reference(pair, schema).train()
    ours = equal_network(pair, schema, theirs).train()
    for module in ours.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    fields, label = rows(schema), torch.arange(ROWS).remainder(2).double()
    binary_cross_entropy_with_logits(ours(fields), label).backward()
    binary_cross_entropy_with_logits(theirs(fields.double()).squeeze(1), label).backward()
    for weight in theirs.parameters():
        weight.data = torch.zeros_like(weight) if weight.grad is None else weight.grad
    expected = pair.weights(theirs)
    biases = (
        {"first_order.bias"} if "logarithmic.bias" in expected else set()
    )  # AFN: two of theirs are one of ours
    for name, weight in ours.named_parameters():
        if name not in biases:
            assert torch.allclose(weight.grad, expected[name], rtol=0, atol=1e-10), name


def test_importing_it_starts_no_thread_but_the_version_check_that_is_held_back() -> None:
    assert held_back.call_count == 1
