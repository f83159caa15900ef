import torch

from userip_lightning.surrogate.two_tower import TwoTower


def test_the_logit_is_the_inner_product_of_both_towers_and_their_biases() -> None:
    torch.manual_seed(0)
    net = TwoTower(items=7, code_dims=(4, 2), item_text=torch.randn(7, 9), embedding_dim=5, hidden=(6,))
    torch.nn.init.normal_(net.bias.weight)
    codes, item = [torch.randn(3, 4), torch.randn(3, 2)], torch.tensor([6, 0, 6])
    logit = net(codes, item)
    for n in range(3):
        both = torch.cat([codes[0][n], codes[1][n]])
        user = net.user(torch.relu(net.deep[0](both)))
        x = net.items.ids.weight[item[n]] + net.items.project(net.items.text[item[n]])
        expected = user[:5] @ x + user[5] + net.bias.weight[item[n], 0]
        torch.testing.assert_close(logit[n], expected)


def test_codes_and_item_learn_from_the_loss() -> None:
    torch.manual_seed(0)
    net = TwoTower(items=7, code_dims=(4,), item_text=torch.randn(7, 9))
    code = torch.randn(3, 4, requires_grad=True)
    net([code], torch.tensor([1, 2, 3])).square().sum().backward()
    assert all(bool(row.abs().sum() > 0) for row in code.grad)
    assert all(
        parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in net.parameters()
    )
