"""What z may see, what its gradient reaches, and the likelihood against the plain way."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tests.profile.written import write
from userip_lightning.batches import ProfileBatch, RecBatch
from userip_lightning.lm.backbone import FrozenBackbone, load_backbone
from userip_lightning.lm.mask import additive, visible
from userip_lightning.lm.prompt import PromptTemplate, build_prefix
from userip_lightning.lm.source import LMSource, load_tokenizer
from userip_lightning.profile.likelihood import PromptLikelihood
from userip_lightning.profile.prompt_bodies import Bodies, BodyWriter

CASES = [(lm, attention) for lm in ("tiny_llama", "tiny_gpt2") for attention in ("auto", "sdpa", "eager")]


@pytest.fixture(params=CASES, ids=[f"{lm}-{attention}" for lm, attention in CASES])
def lm(request: pytest.FixtureRequest) -> LMSource:
    name, attention = request.param
    return LMSource(str(request.getfixturevalue(name)), attention=attention, dtype="float32")


def as_batch(bodies: Bodies) -> ProfileBatch:
    users = np.arange(len(bodies.length))
    rows = bodies.rows(users, int(bodies.length.max()))
    none = torch.empty(0)
    return ProfileBatch(
        user=torch.arange(len(users)),
        rows=RecBatch(none.long(), none.long(), none),
        **{name: torch.from_numpy(values) for name, values in rows.items()},
    )


def build(lm: LMSource, independent: bool) -> tuple[PromptLikelihood, ProfileBatch, Tensor]:
    template = PromptTemplate(soft_tokens=2, independent=independent)
    tokenizer = load_tokenizer(lm)
    items = [
        tokenizer(text, add_special_tokens=False)["input_ids"] for text in (" red rose", " old map", " tea")
    ]
    batch = as_batch(write(BodyWriter(template, tokenizer), [[items[:2], items[2:]], [items[2:], []]]))
    likelihood = PromptLikelihood(load_backbone(lm), build_prefix(template, tokenizer), independent)
    return likelihood, batch, torch.randn(2, 2, 2, 32, generator=torch.Generator().manual_seed(1))


def whole_prompt(likelihood: PromptLikelihood, prefix: Tensor, batch: ProfileBatch) -> Tensor:
    """[B, L + T, D] hidden states of the prompt as it is written, nothing computed before."""
    users, length = prefix.shape[:2]
    segment = torch.cat([likelihood.prefix_segment[:length].expand(users, -1), batch.segment], 1)
    head = torch.cat([batch.head.new_full((users, length), -1), batch.head], 1)
    valid = torch.cat([batch.valid.new_ones(users, length), batch.valid], 1)
    shown = visible(segment, head, valid, likelihood.profiles, likelihood.independent)
    position = torch.cat([torch.arange(length).expand(users, -1), batch.position + length], 1)
    inputs = torch.cat([prefix, likelihood.backbone.embed(batch.ids)], 1)
    return likelihood.backbone.hidden(inputs, additive(shown, inputs.dtype), position)


def embed_prefix(likelihood: PromptLikelihood, z: Tensor) -> Tensor:
    """[B, L, D] names with z at its soft places."""
    names = likelihood.backbone.embed(likelihood.prefix_ids).expand(len(z), -1, -1)
    return names.index_copy(1, likelihood.prefix_soft, z.flatten(1, 2))


@pytest.mark.parametrize("independent", [False, True])
def test_rows_behind_the_shared_words_equal_the_whole_prompt(lm: LMSource, independent: bool) -> None:
    likelihood, batch, z = build(lm, independent)
    whole = whole_prompt(likelihood, embed_prefix(likelihood, z), batch)
    hidden = likelihood.hidden(z, batch)
    torch.testing.assert_close(hidden[:, :4], whole[:, likelihood.prefix_soft], atol=2e-6, rtol=1e-4)
    body = hidden[:, 4:][batch.valid]
    torch.testing.assert_close(body, whole[:, likelihood.length :][batch.valid], atol=2e-6, rtol=1e-4)


@pytest.mark.parametrize("independent", [False, True])
def test_the_likelihood_is_that_of_the_whole_prompt_and_its_full_logits(
    lm: LMSource, independent: bool
) -> None:
    likelihood, batch, z = build(lm, independent)
    z.requires_grad_()
    whole = whole_prompt(likelihood, embed_prefix(likelihood, z), batch)
    logits = likelihood.backbone.head(whole)
    row, place = batch.target.nonzero(as_tuple=True)
    predicting = logits[row, likelihood.length + batch.source[row, place]]
    nll = F.cross_entropy(predicting, batch.ids[row, place], reduction="none")
    expected = torch.zeros(2).index_add(0, row, nll)
    found = likelihood(z, batch)
    torch.testing.assert_close(found.nats, expected)
    for ours, theirs in zip(
        torch.autograd.grad((found.nats * torch.tensor([1.0, 3.0])).sum(), z),
        torch.autograd.grad((expected * torch.tensor([1.0, 3.0])).sum(), z),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-3)


def soft_states(likelihood: PromptLikelihood, z: Tensor, batch: ProfileBatch) -> Tensor:
    """[B, P·S, D] hidden states at the soft tokens."""
    return likelihood.hidden(z, batch)[:, :4]


@pytest.mark.parametrize("independent", [False, True])
def test_z_sees_bos_its_name_and_itself_and_nothing_else(lm: LMSource, independent: bool) -> None:
    likelihood, batch, z = build(lm, independent)
    prefix = embed_prefix(likelihood, z)
    before = whole_prompt(likelihood, prefix, batch)[:, likelihood.prefix_soft]
    noise = torch.randn(32, generator=torch.Generator().manual_seed(2))
    for place, segment in enumerate(likelihood.prefix_segment.tolist()):
        changed = prefix.clone()
        changed[:, place] += noise
        after = whole_prompt(likelihood, changed, batch)[:, likelihood.prefix_soft]
        for profile in range(2):
            own = slice(2 * profile, 2 * profile + 2)
            moved = not torch.equal(before[:, own], after[:, own])
            assert moved == (segment in (0, profile + 1)), (place, profile)


def test_a_profile_does_not_see_another(lm: LMSource) -> None:
    likelihood, batch, z = build(lm, True)
    before = soft_states(likelihood, z, batch)
    changed = z.clone()
    changed[:, 0] += 1.0
    after = soft_states(likelihood, changed, batch)
    assert not torch.equal(before[:, :2], after[:, :2])
    assert torch.equal(before[:, 2:], after[:, 2:])


@pytest.mark.parametrize("independent", [False, True])
def test_no_body_token_reaches_z(lm: LMSource, independent: bool) -> None:
    likelihood, batch, z = build(lm, independent)
    before = soft_states(likelihood, z, batch)
    for place in range(batch.ids.shape[1]):
        ids = batch.ids.clone()
        ids[:, place] = (ids[:, place] + 7) % 100
        assert torch.equal(before, soft_states(likelihood, z, batch._replace(ids=ids)))


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
    return ProfileBatch(batch.user[row : row + 1], *cut, batch.rows)


def test_independent_items_are_scored_as_if_alone(lm: LMSource) -> None:
    likelihood, _, z = build(lm, independent=True)
    tokenizer = load_tokenizer(lm)
    writer = BodyWriter(PromptTemplate(soft_tokens=2), tokenizer)
    first, second = (
        tokenizer(text, add_special_tokens=False)["input_ids"] for text in (" red rose", " old map")
    )
    together = likelihood(z[:1], as_batch(write(writer, [[[first, second], []]])))
    apart = [likelihood(z[:1], as_batch(write(writer, [[[item], []]]))) for item in (first, second)]
    torch.testing.assert_close(together.nats, apart[0].nats + apart[1].nats)


def test_a_causal_body_with_one_profile_is_plain_next_token_prediction(tiny_llama: Path) -> None:
    lm = LMSource(str(tiny_llama), dtype="float32")
    tokenizer = load_tokenizer(lm)
    template = PromptTemplate(PromptTemplate().profiles[:1], soft_tokens=2, disliked=None, independent=False)
    likelihood = PromptLikelihood(load_backbone(lm), build_prefix(template, tokenizer), independent=False)
    item = tokenizer(" red rose", add_special_tokens=False)["input_ids"]
    body = write(BodyWriter(template, tokenizer), [[[item, item]]])
    z = torch.randn(1, 1, 2, 32)
    embedded = likelihood.backbone.embed(torch.from_numpy(body.ids).unsqueeze(0))
    inputs = torch.cat([embed_prefix(likelihood, z), embedded], dim=1)
    logits = likelihood.backbone.model(inputs_embeds=inputs).logits[0, -len(body.ids) - 1 : -1]
    losses = F.cross_entropy(logits, torch.from_numpy(body.ids), reduction="none")
    expected = losses[torch.from_numpy(body.target)].sum()
    torch.testing.assert_close(likelihood(z, as_batch(body)).nats[0], expected)


def test_all_ways_of_attention_agree(tiny_llama: Path, tiny_gpt2: Path) -> None:
    for folder in (tiny_llama, tiny_gpt2):
        nats = []
        for attention in ("sdpa", "eager", "auto"):
            likelihood, batch, z = build(LMSource(str(folder), attention=attention, dtype="float32"), True)
            nats.append(likelihood(z, batch).nats)
        torch.testing.assert_close(nats[0], nats[1])
        torch.testing.assert_close(nats[0], nats[2])


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
    bos = likelihood.backbone.embed(likelihood.prefix_ids[:1]).expand(2, -1, -1)
    whole = whole_prompt(likelihood, bos, batch)[:, 1:]
    body = likelihood.hidden(None, batch)
    torch.testing.assert_close(body[batch.valid], whole[batch.valid], atol=2e-6, rtol=1e-4)
    assert likelihood(None, batch).nats.isfinite().all()


def test_the_frozen_lm_never_trains(lm: LMSource) -> None:
    backbone = load_backbone(lm)
    assert isinstance(backbone, FrozenBackbone)
    assert not backbone.train().model.training
    assert not any(weight.requires_grad for weight in backbone.parameters())
