"""The text loss is that of the plain Hugging Face model, and writing is greedy."""

import pytest
import torch

from userip_lightning.baselines.language_model import load_language_model
from userip_lightning.baselines.pepler.network import PEPLERNetwork
from userip_lightning.baselines.pepler.rows import IGNORED
from userip_lightning.lm.source import LMSource

USER, ITEM = torch.tensor([1, 2, 0]), torch.tensor([3, 1, 0])
TEXT = torch.tensor([[10, 11, 12, 1], [40, 1, IGNORED, IGNORED], [7, 9, 1, IGNORED]])


@pytest.fixture(params=["tiny_llama", "tiny_gpt2"])
def network(request: pytest.FixtureRequest) -> PEPLERNetwork:
    torch.manual_seed(0)
    source = LMSource(name=str(request.getfixturevalue(request.param)), dtype="float32")
    return PEPLERNetwork(load_language_model(source), 3, 4)


def test_the_text_loss_is_that_of_the_plain_model(network):
    filled = TEXT != IGNORED
    words = network.lm.get_input_embeddings()(TEXT.clamp(min=0))
    inputs = torch.cat([network.user(USER)[:, None], network.item(ITEM)[:, None], words], dim=1)
    ignored = torch.full((3, 2), IGNORED)
    plain = network.lm(
        inputs_embeds=inputs,
        attention_mask=torch.cat([torch.ones(3, 2).bool(), filled], dim=1).long(),
        labels=torch.cat([ignored, TEXT], dim=1),
    )
    nats = network.text_nats(USER, ITEM, TEXT)
    assert nats.shape == (9,)  # tokens and ends of text, nothing else
    assert torch.allclose(nats.mean(), plain.loss, atol=1e-5)


def test_a_text_alone_and_beside_a_longer_one_is_as_likely(network):
    together = network.text_nats(USER, ITEM, TEXT)
    alone = network.text_nats(USER[1:2], ITEM[1:2], TEXT[1:2, :2])
    assert torch.allclose(together[4:6], alone, atol=1e-5)


def test_prompts_of_the_batch_get_gradient_and_a_frozen_model_none(network):
    network.text_nats(USER[:2], ITEM[:2], TEXT[:2]).mean().backward()
    assert network.user.weight.grad.any(dim=1).tolist() == [False, True, True, False]
    assert network.item.weight.grad.any(dim=1).tolist() == [False, True, False, True, False]
    assert all(weight.grad is None for weight in network.lm.parameters())
    before = network.user.weight.grad.clone()
    network.score(USER[:2], ITEM[:2]).sum().backward()
    assert torch.allclose(
        network.user.weight.grad - before,
        torch.nn.functional.embedding(torch.tensor([0, 3, 1, 0]), network.item.weight)
        * torch.tensor([0.0, 1, 1, 0])[:, None],
        atol=1e-6,
    )


def test_writing_takes_the_likeliest_token_every_time(network):
    written = network.explain(USER, ITEM, tokens=5, end=1)
    assert written.shape[1] <= 5
    for row, (user, item) in enumerate(zip(USER, ITEM, strict=True)):
        inputs = torch.stack([network.user(user), network.item(item)])[None]
        for token in written[row].tolist():
            best = int(network.lm(inputs_embeds=inputs).logits[0, -1].argmax())
            assert token == best
            if best == 1:
                break
            inputs = torch.cat([inputs, network.lm.get_input_embeddings()(torch.tensor([[best]]))], dim=1)


def test_writing_stops_at_the_end_of_text(network):
    free = network.explain(USER, ITEM, tokens=6, end=-1)
    assert free.shape == (3, 6)
    end = int(free[0, 2])  # pretend that what it writes third is the end
    first = free[0].tolist().index(end)
    stopped = network.explain(USER[:1], ITEM[:1], tokens=6, end=end)
    assert stopped[0].tolist() == free[0, : first + 1].tolist()
    both = network.explain(USER, ITEM, tokens=6, end=end)
    assert (both[0, first:] == end).all()  # the others may go on; this row does not


def test_prompt_zero_is_the_mean_of_the_others(network):
    network.average_unknown()
    for table in (network.user.weight, network.item.weight):
        assert torch.allclose(table[0], table[1:].mean(dim=0))


def test_prompts_start_within_a_tenth(network):
    assert float(network.user.weight.detach().abs().max()) <= 0.1
    assert network.user.weight.shape == (4, 32)
    assert network.item.weight.shape == (5, 32)
