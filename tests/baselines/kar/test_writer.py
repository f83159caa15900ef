"""Texts of real, tiny language models: what they depend on, and that none is written twice."""

import shutil
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from userip_lightning.baselines.kar.generation import Generation, is_knowledge
from userip_lightning.baselines.kar.prompts import Question
from userip_lightning.baselines.kar.text_cache import TextCache
from userip_lightning.baselines.kar.writer import TextWriter
from userip_lightning.errors import InputError
from userip_lightning.lm.source import LMSource

QUESTIONS = [Question(f"Sunlit {'Roses ' * (n * n)}", (), f"in {1970 + n}?") for n in range(5)]


def writer(lm: Path, cache: Path, **settings) -> TextWriter:
    generation = Generation(**{"max_new_tokens": 12, "batch_size": 2, **settings})
    return TextWriter(LMSource(name=str(lm), dtype="float32"), generation, TextCache(cache / "texts.sqlite"))


def answers(lm: Path, cache: Path, questions=QUESTIONS, progress=lambda done, total: None, **settings):
    """Texts in order of the questions."""
    at_work = writer(lm, cache, **settings)
    prompts = [at_work.fit(question) for question in questions]
    texts = at_work.write(prompts, progress)
    return [texts[prompt.key] for prompt in prompts]


@pytest.mark.parametrize("lm", ["tiny_llama", "tiny_gpt2"])
def test_a_text_is_what_the_model_says_to_its_prompt_alone(lm, tmp_path, request):
    folder = request.getfixturevalue(lm)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    expected = []
    for question in QUESTIONS:
        ids = tokenizer(question.text())["input_ids"]
        start = len(ids)
        while len(ids) < start + 12:
            token = int(model(torch.tensor([ids])).logits[0, -1].argmax())
            if token == tokenizer.eos_token_id:
                break
            ids.append(token)
        expected.append(tokenizer.decode(ids[start:], skip_special_tokens=True).strip())
    told = [at for at, text in enumerate(expected) if is_knowledge(text, QUESTIONS[at].text())]
    assert len(told) >= 3  # the rest is tried once more
    texts = answers(folder, tmp_path, repetition_penalty=1.0)
    assert [texts[at] for at in told] == [expected[at] for at in told]


def test_a_text_does_not_depend_on_its_batch_where_the_pad_token_is_the_end(tiny_llama, tmp_path):
    """With a penalty on what was said, padding must not count as said."""
    alone, together = (
        answers(tiny_llama, tmp_path / str(size), batch_size=size, repetition_penalty=1.8) for size in (1, 5)
    )
    assert alone == together


def test_a_chat_model_is_asked_in_its_own_form(tiny_llama, tmp_path):
    folder = tmp_path / "chat"
    shutil.copytree(tiny_llama, folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = "<s>Q {{ messages[0]['content'] }}{% if add_generation_prompt %} A{% endif %}"
    tokenizer.save_pretrained(folder)
    prompt = writer(folder, tmp_path).fit(Question("Roses", (), "?"))
    assert prompt.text == "Roses?"
    assert prompt.ids == tokenizer("<s>Q Roses? A", add_special_tokens=False)["input_ids"]
    led = writer(folder, tmp_path).fit(Question("Roses", (), "?", ": They are"))
    assert led.ids == tokenizer("<s>Q Roses? A: They are", add_special_tokens=False)["input_ids"]
    assert led.text == "Roses?"
    assert led.key != prompt.key


def test_an_answer_goes_on_from_its_first_words(tiny_llama, tmp_path):
    plain = answers(tiny_llama, tmp_path, [Question("Sunlit Roses in 1971? The user", (), "")])
    led = answers(tiny_llama, tmp_path, [Question("Sunlit Roses in 1971?", (), "", "The user")])
    assert is_knowledge(plain[0], "")
    assert led[0].startswith("The user")
    assert led[0].removeprefix("The user").strip() == plain[0]


def test_a_chat_that_tells_the_date_is_the_same_on_every_day(tiny_llama, tmp_path):
    folder = tmp_path / "chat"
    shutil.copytree(tiny_llama, folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = (  # as those of Llama 3 and SmolLM3
        "{%- if strftime_now is defined %}{%- set day = strftime_now('%d %b %Y %H:%M:%S.%f') %}{%- endif %}"
        "{{ day }} {{ messages[0]['content'] }}"
    )
    tokenizer.save_pretrained(folder)
    one, two = (writer(folder, tmp_path).fit(QUESTIONS[1]) for _ in range(2))
    assert one == two
    asked = "26 Jul 2024 " + QUESTIONS[1].text()
    assert one.ids == tokenizer(asked, add_special_tokens=False)["input_ids"]


def test_a_full_cache_needs_no_model(tiny_llama, tmp_path):
    first = answers(tiny_llama, tmp_path)
    again = writer(tiny_llama, tmp_path, batch_size=1)
    told = []
    texts = again.write([again.fit(q) for q in QUESTIONS], lambda done, total: told.append(done))
    assert [texts[again.fit(q).key] for q in QUESTIONS] == first
    assert told == []
    assert "_model" not in vars(again)  # the weights are a cached property


def test_an_interrupted_run_goes_on(tiny_llama, tmp_path):
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        answers(tiny_llama, tmp_path / "killed", progress=interrupt)
    told = []
    texts = answers(tiny_llama, tmp_path / "killed", progress=lambda *state: told.append(state))
    assert told == [(2, 3), (3, 3)]  # two of five were there
    assert texts == answers(tiny_llama, tmp_path / "whole")


def test_questions_that_are_alike_are_answered_once(tiny_llama, tmp_path):
    told = []
    texts = answers(tiny_llama, tmp_path, [QUESTIONS[0]] * 3, progress=lambda *state: told.append(state))
    assert told == [(1, 1)]
    assert texts[0] == texts[1] == texts[2]


def test_other_settings_write_other_texts(tiny_llama, tmp_path):
    keys = {
        writer(tiny_llama, tmp_path, **settings).fit(QUESTIONS[1]).key
        for settings in ({}, {"batch_size": 7}, {"max_new_tokens": 5}, {"repetition_penalty": 2.0})
    }
    assert len(keys) == 3  # the batch size decides nothing


def test_whatever_decides_a_text_is_in_its_key(tiny_llama, tiny_gpt2, tmp_path):
    """Also the model, where both have one tokenizer, and what the second try alone depends on."""
    one = LMSource(name=str(tiny_llama), dtype="float32")
    plain, cache = Generation(), TextCache(tmp_path / "texts.sqlite")
    changes = [
        (one, plain),
        (replace(one, name=str(tiny_gpt2)), plain),
        (replace(one, dtype="bfloat16"), plain),
        (replace(one, quantization="int8"), plain),
        *((one, replace(plain, **other)) for other in ({"temperature": 0.5}, {"top_p": 0.5})),
    ]
    keys = {TextWriter(lm, how, cache).fit(QUESTIONS[1]).key for lm, how in changes}
    assert len(keys) == len(changes)


def test_silence_is_tried_once_more_and_then_is_no_knowledge(says, tmp_path):
    silent = says({"</s>": 100.0})
    assert answers(silent, tmp_path) == [None] * 5
    told = []
    assert answers(silent, tmp_path, progress=lambda *state: told.append(state)) == [None] * 5
    assert told == []  # that there is nothing is remembered


def test_an_echo_is_no_knowledge(says, tmp_path):
    echo = says({"a": 100.0})
    questions = [Question("a b", (), "?"), Question("b c", (), "?")]
    assert answers(echo, tmp_path, questions, max_new_tokens=1) == [None, "a"]


def test_the_second_try_depends_on_the_prompt_alone(says, tmp_path):
    """Greedy, this model says nothing; sampling finds other tokens nearly always."""
    hesitant = says({"</s>": 1.0})
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    together = answers(hesitant, tmp_path / "together", batch_size=5)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(6)
    backwards = answers(hesitant, tmp_path / "alone", QUESTIONS[::-1], batch_size=1)[::-1]
    assert together == backwards
    assert None not in together
    assert len(set(together)) == 5


def test_a_prompt_that_is_too_long_loses_its_earliest_parts(tiny_llama, tmp_path):
    at_work = writer(tiny_llama, tmp_path)  # a context of 256 tokens, 12 of them for the text
    question = Question("Seen: ", tuple(f"Title {n}; " for n in range(200)), "what next?")
    prompt = at_work.fit(question)
    length = len(AutoTokenizer.from_pretrained(tiny_llama)(question.text(prompt.dropped - 1))["input_ids"])
    assert len(prompt.ids) <= 244 < length
    assert prompt.text == question.text(prompt.dropped)
    assert prompt.text.endswith("Title 199; what next?")
    assert at_work.fit(Question("", ("long " * 400,), "")) is None
    assert at_work.fit(Question("long " * 400, (), "")) is None
    assert at_work.fit(Question("long " * 400, ("a", "b"), "")) is None
    assert at_work.write([prompt], lambda done, total: None).keys() == {prompt.key}


def test_no_room_for_a_prompt_is_refused(tiny_llama, tmp_path):
    with pytest.raises(InputError, match=r"max_new_tokens is 256, but the context of .* is 256 tokens"):
        writer(tiny_llama, tmp_path, max_new_tokens=256)


def test_what_is_asked_about_holds_no_control_token(tiny_llama, tmp_path):
    at_work, tokenizer = writer(tiny_llama, tmp_path), AutoTokenizer.from_pretrained(tiny_llama)
    end = tokenizer.eos_token
    title = at_work.plain(pl.DataFrame({"title": [f"Roses {end} in"]}))["title"][0]
    asked = at_work.fit(Question(f"Sunlit {title} in", (), "?"))
    assert tokenizer.eos_token_id not in asked.ids
    assert tokenizer.eos_token_id in at_work.fit(Question(f"Sunlit Roses {end} in", (), "?")).ids
