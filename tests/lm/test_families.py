"""Every family that transformers offers under ``AutoModelForCausalLM``: scored as it reads, or refused.

The truth is the family's own code, ``eager``, without a mask and without positions: a plain row for every
behaviour, of BOS, name, soft tokens, task text and the behaviour. The product puts all of a user's behaviours
into one row under its 4-D mask. Rows are longer than the windows.
"""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from tests.lm.family_table import FAMILIES, RIGHT, VARIANTS, as_markdown
from tests.lm.tiny_models import build, tiny_config
from tests.profile.test_likelihood import as_batch
from tests.profile.written import write
from userip_lightning.errors import InputError
from userip_lightning.lm.backbone import FrozenBackbone
from userip_lightning.lm.families import refuse_family
from userip_lightning.lm.mask_check import refuse_misread
from userip_lightning.lm.prompt import ProfileName, PromptTemplate, build_prefix
from userip_lightning.profile.likelihood import PromptLikelihood
from userip_lightning.profile.prompt_bodies import BodyWriter

DOCS = Path(__file__).parents[2] / "docs" / "language_models.md"
BOS, NAME, SOFT, TASKS = [3], [11, 12], 2, ([21, 22], [23])
#: Of two users, token ids of what they liked and disliked.
ITEMS = [[[[31, 32, 33, 34], [41, 42]], [[51, 52, 53]]], [[[61, 62, 63]], [[41, 42]]]]


class Spelt:
    """A tokenizer whose texts are token ids."""

    bos_token_id = BOS[0]

    def __call__(self, text: str, *, add_special_tokens: bool) -> dict[str, list[int]]:
        return {"input_ids": [int(number) for number in text.split()]}


def spell(ids: list[int]) -> str:
    return " ".join(map(str, ids))


TEMPLATE = PromptTemplate(
    profiles=[ProfileName("hobby", spell(NAME))],
    soft_tokens=SOFT,
    liked=spell(TASKS[0]),
    disliked=spell(TASKS[1]),
    separator="9",
)


def truth(model: Any, z: Tensor) -> Tensor:
    """[users] nats of all behaviours, from plain rows."""
    embed = model.get_input_embeddings()
    nats = []
    for own, groups in zip(z.flatten(1, 2), ITEMS, strict=True):
        total = own.new_zeros(())
        for task, items in zip(TASKS, groups, strict=True):
            for item in items:
                before, after = embed(torch.tensor(BOS + NAME)), embed(torch.tensor(task + item))
                row = torch.cat([before, own, after]).unsqueeze(0)
                logits = model(inputs_embeds=row, use_cache=False).logits[0, -len(item) - 1 : -1]
                total = total + F.cross_entropy(logits.float(), torch.tensor(item), reduction="sum")
        nats.append(total)
    return torch.stack(nats)


def read(family: str, settings: dict[str, Any] | None) -> str:
    """How the product takes a family: RIGHT, or its refusal; wrong values fail."""
    config = CONFIG_MAPPING[family]() if settings is None else tiny_config(family, **settings)
    try:
        refuse_family("tiny", config)
        plain, ours = build(config)
        backbone = FrozenBackbone(ours)
        refuse_misread("tiny", backbone)
    except InputError as refusal:
        return str(refusal)
    compare(plain, backbone)
    return RIGHT


def compare(plain: Any, backbone: FrozenBackbone) -> None:
    """Likelihood, gradient and start against the family's own."""
    prefix = build_prefix(TEMPLATE, Spelt())
    likelihood = PromptLikelihood(backbone, prefix, independent=True)
    batch = as_batch(write(BodyWriter(TEMPLATE, Spelt()), ITEMS))
    ids = torch.tensor([[[71, 72]], [[73, 74]]])
    start = backbone.words.of(ids)
    torch.testing.assert_close(start, plain.get_input_embeddings()(ids).float())
    z = (start + 0.1 * start.std() * torch.randn(start.shape)).requires_grad_()
    found, expected = likelihood(z, batch).nats, truth(plain, z)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)
    weight = torch.tensor([1.0, 3.0])
    (ours,) = torch.autograd.grad((found * weight).sum(), z)
    (theirs,) = torch.autograd.grad((expected * weight).sum(), z)
    assert theirs.norm() > 0
    assert (ours - theirs).norm() < 2e-3 * theirs.norm()


def agrees(found: str, reading: str) -> bool:
    return found == RIGHT if reading == RIGHT else reading in found


@pytest.mark.parametrize("family", sorted(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES))
def test_every_family_is_scored_as_it_reads_or_refused(family: str) -> None:
    assert family in FAMILIES, f"{family} is new: say in tests/lm/family_table.py how it is taken"
    reading, settings = FAMILIES[family]
    found = read(family, settings)
    assert agrees(found, reading), found


@pytest.mark.parametrize(
    ("family", "reading", "settings"), VARIANTS, ids=[f"{one[0]}-{'-'.join(one[2])}" for one in VARIANTS]
)
def test_a_setting_decides_where_it_matters(family: str, reading: str, settings: dict[str, Any]) -> None:
    found = read(family, settings)
    assert agrees(found, reading), found


def test_the_docs_have_the_table() -> None:
    assert as_markdown() in DOCS.read_text(encoding="utf-8")
