"""Sums over profiles against prompts of one profile each."""

from pathlib import Path

import torch

from userip_lightning.catalogue.combination_scores import AddedScores, JointScores
from userip_lightning.catalogue.soft_tokens import SoftTokens
from userip_lightning.catalogue.title_scores import TitleScores
from userip_lightning.lm.backbone import load_backbone
from userip_lightning.lm.prompt import ProfileName, PromptTemplate, encode
from userip_lightning.lm.source import LMSource, load_tokenizer
from userip_lightning.profile.prompt_bodies import Tokens

TITLES = [" red rose", " old map of the sea", " tea", " Toy Story (1995)"]
HOBBY = ProfileName("hobby", "This user's hobby is")
BACKGROUND = ProfileName("background", ", his background is")
PROMPT = PromptTemplate([HOBBY, BACKGROUND], soft_tokens=2)
GIVEN = torch.Generator().manual_seed(1)
BOOKS = [torch.randn(3, 2, 32, generator=GIVEN), torch.randn(2, 2, 32, generator=GIVEN)]


def scores(kind: type, folder: Path, prompt: PromptTemplate = PROMPT) -> torch.nn.Module:
    source = LMSource(str(folder), dtype="float32")
    tokenizer = load_tokenizer(source)
    tokens = Tokens.of([encode(tokenizer, title) for title in TITLES])
    found: torch.nn.Module = kind(load_backbone(source), tokenizer, prompt, tokens)
    return found


def test_joint_scores_are_those_of_every_combination(tiny_llama: Path) -> None:
    books = SoftTokens(BOOKS)
    found = scores(JointScores, tiny_llama)(books, [0, 3])
    assert found.shape == (2, 2, 6)
    torch.testing.assert_close(found, scores(TitleScores, tiny_llama)(books(), [0, 3]))


def test_added_scores_are_sums_of_prompts_with_one_profile(tiny_llama: Path) -> None:
    found = scores(AddedScores, tiny_llama)(SoftTokens(BOOKS), [1, 2])
    hobby = scores(TitleScores, tiny_llama, PromptTemplate([HOBBY], soft_tokens=2))(BOOKS[0][:, None], [1, 2])
    background = scores(TitleScores, tiny_llama, PromptTemplate([BACKGROUND], soft_tokens=2))(
        BOOKS[1][:, None], [1, 2]
    )
    for k in range(3):
        for j in range(2):
            torch.testing.assert_close(found[..., 2 * k + j], hobby[..., k] + background[..., j])


def test_all_codes_get_a_gradient_through_sums(tiny_llama: Path) -> None:
    books = SoftTokens(BOOKS)
    scores(AddedScores, tiny_llama)(books, [0, 1])[0].square().sum().backward()
    for book in books.books:
        assert book.grad is not None
        assert (book.grad.abs().sum(-1) > 0).all()
