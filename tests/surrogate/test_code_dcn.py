import torch

from userip_lightning.surrogate.code_dcn import SurrogateDCN


def test_codes_of_different_widths_and_the_item_all_reach_the_logit() -> None:
    torch.manual_seed(0)
    net = SurrogateDCN(items=9, code_dims=(6, 3)).eval()
    codes = [torch.randn(5, 6, requires_grad=True), torch.randn(5, 3, requires_grad=True)]
    item = torch.tensor([0, 0, 4, 8, 8])
    logit = net(codes, item)
    assert logit.shape == (5,)
    logit.sum().backward()
    assert all(bool((code.grad.abs().sum(1) > 0).all()) for code in codes)
    touched = (net.items.ids.weight.grad.abs().sum(1) > 0).nonzero().flatten()
    assert touched.tolist() == [0, 4, 8]
