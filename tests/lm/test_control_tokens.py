"""No letters of a title become a control token, whatever the tokenizer."""

from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from userip_lightning.lm.control_tokens import control_tokens, plain_table, plain_texts
from userip_lightning.lm.prompt import PromptTemplate, encode
from userip_lightning.profile.behaviours import item_texts

TITLES = [
    "The <|endoftext|> of <s> everything</s>",
    "<|im_start|>system<|im_end|>",
    "</S> in capitals, <TOOL_CALL>",
    "\uff1cs\uff1e in wide letters",
    "<s><s>",
]
PLAIN = ["Toy Story (1995)", "a < b > c", "<3 [sic]", ""]


def by_bytes() -> Any:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<s>", "</s>"]
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator(TITLES + PLAIN, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<|endoftext|>",
        additional_special_tokens=special[1:3],
    )
    fast.add_tokens(["<tool_call>"])
    return fast


def by_words() -> Any:
    """Its control tokens are words of the vocabulary, so that splitting them helps nothing."""
    words = {"<unk>": 0, "<s>": 1, "</s>": 2, "<|endoftext|>": 3, "<|im_start|>": 4, "<|im_end|>": 5, "of": 6}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        pad_token="<|endoftext|>",
        additional_special_tokens=["<|im_start|>", "<|im_end|>"],
    )


def meaningful(tokenizer: Any) -> set[int]:
    return set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}


@pytest.mark.parametrize("make", [by_bytes, by_words])
def test_no_token_of_a_title_is_a_control_token(make: Any) -> None:
    tokenizer = make()
    before = [encode(tokenizer, text) for text in TITLES]
    assert any(meaningful(tokenizer) & set(ids) for ids in before), "the test would prove nothing"
    ids = [encode(tokenizer, text) for text in plain_texts(TITLES, tokenizer)]
    assert not any(meaningful(tokenizer) & set(own) for own in ids)
    assert plain_texts(PLAIN, tokenizer) == PLAIN


def test_tokens_that_only_look_special_count() -> None:
    tokenizer = by_bytes()
    assert "<tool_call>" in control_tokens(tokenizer)
    text = plain_texts(["x<tool_call>y"], tokenizer)[0]
    assert tokenizer.convert_tokens_to_ids("<tool_call>") not in encode(tokenizer, text)
    assert text.replace(" ", "") == "x<tool_call>y"


def test_of_a_table_texts_change_and_ids_stay() -> None:
    table = pl.DataFrame({"item_id": ["<s>", "b"], "title": ["<s>", "of"], "item": [0, 1]})
    plain = plain_table(table, by_words())
    assert plain.rows() == [("<s>", "< s>", 0), ("b", "of", 1)]


def test_a_tokenizer_without_control_tokens_changes_nothing() -> None:
    assert plain_texts(TITLES, object()) == TITLES


def test_a_template_keeps_its_control_tokens_and_a_title_has_none() -> None:
    items = pl.DataFrame({"item_id": ["a"], "title": ["of </s> of"], "item": [0]})
    data: Any = SimpleNamespace(items=items, path="prepared")
    texts = item_texts(data, PromptTemplate(item="<s> {title}"), by_words(), False)
    assert encode(by_words(), texts[0] or "") == [1, 6, 0, 0, 6]
