import torch

from userip_lightning.ctr.networks.dcnv2 import MatrixCrossNetwork


def test_matrix_cross_network_is_its_equation_row_by_row() -> None:
    torch.manual_seed(0)
    cross = MatrixCrossNetwork(dim=4, layers=3)
    torch.nn.init.normal_(cross.bias)
    x0 = torch.randn(6, 4)
    rows = []
    for row in x0:
        x = row
        for weight, bias in zip(cross.weight, cross.bias, strict=True):
            x = torch.stack([row[i] * (weight[i] @ x + bias[i]) + x[i] for i in range(4)])
        rows.append(x)
    assert torch.allclose(cross(x0), torch.stack(rows), atol=1e-5)


def test_without_layers_it_is_the_identity() -> None:
    x0 = torch.randn(2, 4)
    assert torch.equal(MatrixCrossNetwork(4, 0)(x0), x0)
