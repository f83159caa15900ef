"""What z may see, what its gradient reaches, and the likelihood against the plain way."""

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from userip_lightning.batches import ProfileBatch, RecBatch
from userip_lightning.profile.backbone import FrozenBackbone, LMSource, load_backbone, load_tokenizer
from userip_lightning.profile.likelihood import PromptLikelihood
from userip_lightning.profile.prompt import Body, BodyWriter, PromptTemplate, build_prefix

CASES = [(lm, attention) for lm in ("tiny_llama", "tiny_gpt2") for attention in ("sdpa", "eager")]


@pytest.fixture(params=CASES, ids=[f"{lm}-{attention}" for lm, attention in CASES])
def lm(request: pytest.FixtureRequest) -> LMSource:
    name, attention = request.param
    return LMSource(str(request.getfixturevalue(name)), attention=attention, dtype="float32")


def as_batch(bodies: list[Body]) -> ProfileBatch:
    length = max(len(body.ids) for body in bodies)

    def pad(name: str, fill: int | bool) -> Tensor:
        return torch.tensor([getattr(b, name) + [fill] * (length - len(b.ids)) for b in bodies])

    users = torch.arange(len(bodies))
    valid = torch.arange(length) < torch.tensor([[len(b.ids)] for b in bodies])
    none = torch.empty(0)
    return ProfileBatch(
        users,
        pad("ids", 0),
        valid,
        pad("target", False),
        pad("segment", -2),
        pad("head", -1),
        pad("position", 0),
        pad("source", 0),
        torch.full((len(bodies), 2, 2), -1),
        RecBatch(none.long(), none.long(), none),
    )


def build(lm: LMSource, independent: bool) -> tuple[PromptLikelihood, ProfileBatch, Tensor]:
    template = PromptTemplate(soft_tokens=2, independent=independent)
    tokenizer = load_tokenizer(lm)
    writer = BodyWriter(template, tokenizer)
    items = [
        tokenizer(text, add_special_tokens=False)["input_ids"] for text in (" red rose", " old map", " tea")
    ]
    batch = as_batch([writer.write([items[:2], items[2:]]), writer.write([items[2:], []])])
    likelihood = PromptLikelihood(load_backbone(lm), build_prefix(template, tokenizer), independent)
    return likelihood, batch, torch.randn(2, 2, 2, 32, generator=torch.Generator().manual_seed(1))


def profile_states(likelihood: PromptLikelihood, prefix: Tensor, batch: ProfileBatch) -> Tensor:
    """[B, P, S, D] hidden states at the soft tokens."""
    return likelihood.hidden(prefix, batch)[:, likelihood.soft]


@pytest.mark.parametrize("independent", [False, True])
def test_z_sees_bos_its_name_and_itself_and_nothing_else(lm: LMSource, independent: bool) -> None:
    likelihood, batch, z = build(lm, independent)
    prefix = likelihood.embed_prefix(z, 2)
    before = profile_states(likelihood, prefix, batch)
    segments = likelihood.prefix_segment.tolist()
    noise = torch.randn(32, generator=torch.Generator().manual_seed(2))
    for place, segment in enumerate(segments):
        changed = prefix.clone()
        changed[:, place] += noise
        after = profile_states(likelihood, changed, batch)
        for profile in range(2):
            moved = not torch.equal(before[:, profile], after[:, profile])
            assert moved == (segment in (0, profile + 1)), (place, profile)


@pytest.mark.parametrize("independent", [False, True])
def test_no_body_token_reaches_z(lm: LMSource, independent: bool) -> None:
    likelihood, batch, z = build(lm, independent)
    prefix = likelihood.embed_prefix(z, 2)
    before = profile_states(likelihood, prefix, batch)
    for place in range(batch.ids.shape[1]):
        ids = batch.ids.clone()
        ids[:, place] = (ids[:, place] + 7) % 100
        assert torch.equal(before, profile_states(likelihood, prefix, batch._replace(ids=ids)))


def test_padding_changes_nothing(lm: LMSource) -> None:
    likelihood, batch, z = build(lm, independent=False)
    ids = torch.where(batch.valid, batch.ids, 9)
    assert torch.equal(likelihood(z, batch).nats, likelihood(z, batch._replace(ids=ids)).nats)
    alone = as_batch_row(batch, 1)
    torch.testing.assert_close(likelihood(z[1:], alone).nats, likelihood(z, batch).nats[1:])


def as_batch_row(batch: ProfileBatch, row: int) -> ProfileBatch:
    """One user of a batch, without his padding."""
    keep = batch.valid[row]
    cut = [column[row : row + 1, keep] for column in batch[1:8]]
    return ProfileBatch(batch.user[row : row + 1], *cut, batch.start[row : row + 1], batch.rows)


def test_independent_items_are_scored_as_if_alone(lm: LMSource) -> None:
    likelihood, _, z = build(lm, independent=True)
    tokenizer = load_tokenizer(lm)
    writer = BodyWriter(PromptTemplate(soft_tokens=2), tokenizer)
    first, second = (
        tokenizer(text, add_special_tokens=False)["input_ids"] for text in (" red rose", " old map")
    )
    together = likelihood(z[:1], as_batch([writer.write([[first, second], []])]))
    apart = [likelihood(z[:1], as_batch([writer.write([[item], []])])) for item in (first, second)]
    torch.testing.assert_close(together.nats, apart[0].nats + apart[1].nats)


def test_a_causal_body_with_one_profile_is_plain_next_token_prediction(tiny_llama: Path) -> None:
    lm = LMSource(str(tiny_llama), dtype="float32")
    tokenizer = load_tokenizer(lm)
    template = PromptTemplate(PromptTemplate().profiles[:1], soft_tokens=2, disliked=None, independent=False)
    likelihood = PromptLikelihood(load_backbone(lm), build_prefix(template, tokenizer), independent=False)
    item = tokenizer(" red rose", add_special_tokens=False)["input_ids"]
    body = BodyWriter(template, tokenizer).write([[item, item]])
    z = torch.randn(1, 1, 2, 32)
    inputs = torch.cat(
        [likelihood.embed_prefix(z, 1), likelihood.backbone.embed(torch.tensor([body.ids]))], dim=1
    )
    logits = likelihood.backbone.model(inputs_embeds=inputs).logits[0, -len(body.ids) - 1 : -1]
    losses = F.cross_entropy(logits, torch.tensor(body.ids), reduction="none")
    expected = losses[torch.tensor(body.target)].sum()
    torch.testing.assert_close(likelihood(z, as_batch([body])).nats[0], expected)


def test_eager_and_sdpa_agree(tiny_llama: Path, tiny_gpt2: Path) -> None:
    for folder in (tiny_llama, tiny_gpt2):
        nats = []
        for attention in ("sdpa", "eager"):
            likelihood, batch, z = build(LMSource(str(folder), attention=attention, dtype="float32"), True)
            nats.append(likelihood(z, batch).nats)
        torch.testing.assert_close(nats[0], nats[1])


def test_gradient_of_the_likelihood_reaches_z_and_no_weight(lm: LMSource) -> None:
    likelihood, batch, z = build(lm, independent=True)
    z.requires_grad_()
    likelihood(z, batch).per_token.sum().backward()
    assert z.grad is not None
    assert (z.grad.flatten(2).norm(dim=2) > 0).all()
    assert all(weight.grad is None for weight in likelihood.parameters())


def test_gradient_of_a_user_does_not_reach_another(lm: LMSource) -> None:
    likelihood, batch, z = build(lm, independent=True)
    z.requires_grad_()
    likelihood(z, batch).per_token[0].backward()
    assert z.grad is not None
    assert (z.grad[1] == 0).all()


def test_without_z_only_bos_is_in_front(lm: LMSource) -> None:
    likelihood, batch, _ = build(lm, independent=True)
    assert likelihood.embed_prefix(None, 2).shape == (2, 1, 32)
    assert likelihood(None, batch).nats.isfinite().all()


def test_the_frozen_lm_never_trains(lm: LMSource) -> None:
    backbone = load_backbone(lm)
    assert isinstance(backbone, FrozenBackbone)
    assert not backbone.train().model.training
    assert not any(weight.requires_grad for weight in backbone.parameters())
