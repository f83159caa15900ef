"""The LM's table against plain transformers with a mask written out by hand."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import AutoModelForCausalLM, AutoTokenizer

from userip_lightning.catalogue.title_scores import TitleScores
from userip_lightning.lm.backbone import load_backbone
from userip_lightning.lm.prompt import PromptTemplate, encode
from userip_lightning.lm.source import LMSource, load_tokenizer
from userip_lightning.profile.prompt_bodies import Tokens

TITLES = [" red rose", " old map of the sea", " tea", " Toy Story (1995)"]
PROMPT = PromptTemplate(soft_tokens=2)
Z = torch.randn(3, 2, 2, 32, generator=torch.Generator().manual_seed(1))


def scores(folder: Path, prompt: PromptTemplate = PROMPT) -> TitleScores:
    source = LMSource(str(folder), dtype="float32")
    tokenizer = load_tokenizer(source)
    tokens = Tokens.of([encode(tokenizer, title) for title in TITLES])
    return TitleScores(load_backbone(source), tokenizer, prompt, tokens)


def by_hand(folder: Path, z: Tensor, task: str, title: str) -> float:
    """One combination, one title: BOS, name z, name z, task, title; no name or z sees those before it."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    embed = model.get_input_embeddings()
    names, rest, target = (
        [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
        for texts in ([p.text for p in PROMPT.profiles], [task], [title])
    )
    pieces = [embed(torch.tensor([tokenizer.bos_token_id]))]
    for name, own in zip(names, z, strict=True):
        pieces.append(torch.cat([embed(torch.tensor(name)), own]))
    pieces.append(embed(torch.tensor(rest[0] + target[0])))
    first, second = 1 + len(pieces[1]), 1 + len(pieces[1]) + len(pieces[2])
    inputs = torch.cat(pieces)[None]
    length = inputs.shape[1]
    mask = torch.full((length, length), torch.finfo(torch.float32).min).triu(1)
    mask[first:second, 1:first] = torch.finfo(torch.float32).min
    logits = model(inputs_embeds=inputs, attention_mask=mask[None, None]).logits[0].log_softmax(-1)
    begin = length - len(target[0])
    return sum(logits[begin - 1 + at, token].item() for at, token in enumerate(target[0]))


@pytest.mark.parametrize("lm", ["tiny_llama", "tiny_gpt2"])
def test_the_table_is_that_of_plain_transformers(lm: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(lm)
    table = scores(folder)(Z, [2, 0, 3, 1])
    assert table.shape == (2, 4, 3)
    for group, task in enumerate([PROMPT.liked, str(PROMPT.disliked)]):
        for row, item in enumerate([2, 0, 3, 1]):
            for c in range(3):
                expected = by_hand(folder, Z[c], task, TITLES[item])
                assert float(table[group, row, c]) == pytest.approx(expected, abs=1e-4)


def test_an_item_is_scored_alike_whatever_stands_beside_it(tiny_llama: Path) -> None:
    table = scores(tiny_llama)
    together, alone = table(Z, [0, 1, 2, 3]), torch.cat([table(Z, [item]) for item in range(4)], 1)
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


class Operations(TorchDispatchMode):
    """Names of what torch computes."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.add(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


def test_no_sum_depends_on_the_order_in_which_threads_of_a_gpu_finish(tiny_llama: Path) -> None:
    """There they add into one place as they come, in these operations."""
    with Operations() as seen:
        scores(tiny_llama)(Z.clone().requires_grad_(), [0, 1, 2, 3]).sum().backward()
    assert "index_put" in " ".join(seen.names)
    assert not seen.names & {"index_add", "index_add_", "scatter_add", "put_", "_embedding_bag"}


def test_every_soft_token_has_a_gradient(tiny_llama: Path) -> None:
    z = Z.clone().requires_grad_()
    scores(tiny_llama)(z, [1, 3])[0, :, 0].sum().backward()
    assert z.grad is not None
    assert (z.grad[0].abs().sum(-1) > 0).all()
    assert not z.grad[1:].any()  # of other combinations
