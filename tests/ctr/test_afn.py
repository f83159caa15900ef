import torch

from userip_lightning.ctr.networks.afn import AFN, LogarithmicTransform
from userip_lightning.schema import FeatureSchema, Field


def without_norm(fields: int, dim: int, neurons: int) -> LogarithmicTransform:
    """Both norms in evaluation, with statistics that change nothing."""
    transform = LogarithmicTransform(fields, dim, neurons).double().eval()
    transform.after_log.eps = transform.after_exp.eps = 0.0
    return transform


def test_a_neuron_is_a_product_of_powers() -> None:
    torch.manual_seed(0)
    transform = without_norm(fields=3, dim=4, neurons=5)
    torch.nn.init.normal_(transform.exponents)
    torch.nn.init.normal_(transform.bias)
    embeddings = torch.randn(6, 3, 4).double()
    powers = embeddings.abs().unsqueeze(3) ** transform.exponents.unsqueeze(1)  # [N, F, E, L]
    expected = powers.prod(dim=1) * transform.bias.exp()
    assert torch.allclose(transform(embeddings), expected)


def test_an_embedding_of_zero_is_taken_for_the_smallest() -> None:
    transform = without_norm(fields=2, dim=1, neurons=1)
    torch.nn.init.ones_(transform.exponents)
    assert torch.allclose(transform(torch.tensor([[[0.0], [2.0]]]).double()), torch.tensor(2e-7).double())


def test_mlp_is_normalized_and_the_transform_too() -> None:
    schema = FeatureSchema((Field("user_id", 7), Field("item_id", 11)))
    norms = [module for module in AFN(schema).modules() if isinstance(module, torch.nn.BatchNorm1d)]
    assert [norm.num_features for norm in norms] == [8, 8, 16, 16]


def test_one_row_in_training_leaves_the_statistics() -> None:
    schema = FeatureSchema((Field("user_id", 7), Field("item_id", 11)))
    net = AFN(schema)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    net(torch.tensor([[1, 2]]))
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
