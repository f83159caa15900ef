import itertools

import torch

from userip_lightning.ctr.networks.biased_mf import BiasedMF
from userip_lightning.ctr.networks.ffm import FFM
from userip_lightning.schema import FeatureSchema, Field

SIZES = (3, 4, 2, 5)
SCHEMA = FeatureSchema(tuple(Field(f"field{at}", size) for at, size in enumerate(SIZES)))


def test_logits_are_a_double_loop_over_named_vectors() -> None:
    torch.manual_seed(0)
    net = FFM(SCHEMA, embedding_dim=3).double()
    vectors = {  # v[i, value, j]: what the value of field i shows to field j
        (i, value, j): torch.randn(3).tolist()
        for i in range(4)
        for value in range(SIZES[i])
        for j in range(4)
        if j != i
    }
    weights = {(i, value): float(torch.randn(())) for i in range(4) for value in range(SIZES[i])}
    with torch.no_grad():
        flat = [
            [number for j in range(4) if j != i for number in vectors[i, value, j]]
            for i in range(4)
            for value in range(SIZES[i])
        ]
        net.products.embedding.table.weight.copy_(torch.tensor(flat))
        net.first_order.weight.table.weight.copy_(torch.tensor(list(weights.values())).unsqueeze(1))
        net.first_order.bias.fill_(0.25)
    rows = list(itertools.product(*(range(size) for size in SIZES)))
    expected = []
    for row in rows:
        logit = 0.25 + sum(weights[i, row[i]] for i in range(4))
        for i in range(4):
            for j in range(i + 1, 4):
                left, right = vectors[i, row[i], j], vectors[j, row[j], i]
                logit += sum(a * b for a, b in zip(left, right, strict=True))
        expected.append(logit)
    assert torch.allclose(net(torch.tensor(rows)), torch.tensor(expected).double(), atol=1e-6)


def test_of_user_and_item_it_is_biased_matrix_factorization() -> None:
    schema = FeatureSchema((Field("user_id", 7), Field("item_id", 11)))
    torch.manual_seed(0)
    ffm, mf = FFM(schema), BiasedMF(schema)
    mf.load_state_dict({name.removeprefix("products."): weight for name, weight in ffm.state_dict().items()})
    fields = torch.cartesian_prod(torch.arange(7), torch.arange(11))
    assert torch.allclose(ffm(fields), mf(fields), atol=1e-7)
