"""Table 5 and Figure 7 from end to end on a tiny study."""

import copy
import json
import re
from pathlib import Path

import pytest
import torch
import yaml
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from tests.cli.refusal import refused
from userip_lightning.cli import main
from userip_lightning.data.sources.synthesize import TOPICS


@pytest.fixture(scope="module")
def reading_llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Llama with random weights that has every word of the planted titles as one token."""
    folder = tmp_path_factory.mktemp("reading-llama")
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = ["<s>", "</s>", "<unk>"]
    trainer = trainers.BpeTrainer(
        vocab_size=2000,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    words = [f" {word} {word.lower()}" for topic in TOPICS.values() for word in " ".join(topic).split()]
    tokenizer.train_from_iterator(words * 4, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="</s>"
    )
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        bos_token_id=0,
        eos_token_id=1,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def reading(settings, study_words, cache, reading_llama, tmp_path_factory):
    """The words after `userip` that run a table of the study with that language model."""
    own = copy.deepcopy(settings)
    planted = {"users": 120, "rows_per_user": 24, "items_per_topic": 40, "focus": 0.9, "noise": 0.3}
    own["data"]["source"] = {
        "class_path": "userip_lightning.data.sources.synthesize.Planted",
        "init_args": planted,
    }
    own["profile"]["model"]["lm"] = {"name": str(reading_llama), "dtype": "float32"}
    file = tmp_path_factory.mktemp("experiment") / "tiny.yaml"
    file.write_text(yaml.safe_dump(own))

    def words(table: str, output: Path, *more: str, **changes: object) -> list[str]:
        changes = {"dataset_files": {"tiny": str(file)}, "controls": [], **changes}
        return study_words(table, output, "--splits", "random", *more, **changes)

    return words


@pytest.fixture(scope="module")
def output(reading, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("words")
    assert main(reading("table5", output)) == 0
    assert main(reading("fig7", output, "--layers", "2")) == 0
    return output / "study"


def results(folder: Path) -> dict:
    return json.loads((folder / "results.json").read_text())["cases"]["tiny / random"]


def test_table5_scores_every_source_with_its_controls(output):
    found = results(output / "table5")
    sources = {(one["profile"], one["source"]) for one in found["scores"]}
    assert len(sources) == 11
    assert {profile for profile, _ in sources} == {"hobby", "background", "whatever the profile", "control"}
    for one in found["scores"]:
        if one["score"] is not None:
            score = one["score"]["score"]
            assert score["low"] <= score["difference"] <= score["high"]
            assert score["difference"] == pytest.approx(one["score"]["own"] - one["score"]["others"])
    assert all(set(person["near"]) == {"hobby", "background"} for person in found["people"])


def test_planted_words_are_found_and_random_ones_are_not(output):
    """Planted users like one topic, whose titles share their words."""
    found = results(output / "table5")["scores"]
    scores = {(one["profile"], one["source"]): one["score"] for one in found}
    for key in (
        ("whatever the profile", "distinctive words of liked titles"),
        ("hobby", "nearest to soft tokens before tuning"),
        ("hobby", "nearest to tuned soft tokens z (the paper's)"),
    ):
        assert scores[key]["score"]["low"] > 0, key
        assert scores[key]["shuffled"]["low"] <= 0 <= scores[key]["shuffled"]["high"], key
    control = scores["control", "nearest to random vectors"]["score"]
    assert control["low"] <= 0 <= control["high"]


def test_the_report_says_what_is_no_better_than_chance_and_shows_the_paper(output):
    for text in ((output / "table5" / name).read_text() for name in ("report.md", "report.html")):
        assert "not shown to be better than chance" in text
        assert "Gotham, Batman, Spectrum, Viper" in text
        assert "Controls (random vectors, words handed to another user)" in text


def test_fig7_has_a_share_per_profile_and_start(output):
    found = results(output / "fig7")
    assert found["layers"] == [2]
    assert len(found["shares"]) == 8
    assert all(0 < one["share"]["difference"] < 1 for one in found["shares"])
    assert all(len(one["by_layer"]) == 2 for one in found["shares"])
    tuned = [one for one in found["shares"] if one["condition"] == "tuned"]
    assert all(one["gain"] == {"difference": 0.0, "low": 0.0, "high": 0.0} for one in tuned)


def test_fig7_judges_tuning_by_the_start_of_stage_1(output):
    found = results(output / "fig7")
    assert found["start"] == "start at words"
    (own,) = (
        one["gain"]["difference"]
        for one in found["shares"]
        if one["profile"] == "hobby" and one["condition"] == "start at words"
    )
    report = (output / "fig7" / "report.md").read_text()
    assert "hobby, start at words (of stage 1)" in report
    assert "hobby, random start (a reference)" in report
    (said,) = re.findall(r"hobby: tuning, from a start at words, .*\((\S+) \[", report)
    assert float(said.replace("−", "-")) == pytest.approx(own, abs=1e-4)


def test_fig7_draws_heat_maps_into_files_and_the_page(output):
    names = {file.name for file in (output / "fig7" / "figures").iterdir()}
    assert {f"tiny---random-{name}.svg" for name in ("hobby", "background", "layers")} <= names
    assert (output / "fig7" / "report.html").read_text().count("<svg") == 3


def test_a_second_run_finds_what_the_first_one_left(output, reading):
    before = {file: file.stat().st_mtime_ns for file in output.rglob("z.npy")}
    assert len(before) == 1
    assert main(reading("fig7", output.parent)) == 0
    assert {file: file.stat().st_mtime_ns for file in output.rglob("z.npy")} == before
    assert results(output / "fig7")["layers"] == [1, 2]


def test_table5_of_the_catalogue_engine_has_codes_and_no_soft_tokens(reading, tmp_path):
    words = reading("table5", tmp_path, engine="catalogue")
    assert main(words) == 0
    found = results(tmp_path / "study" / "table5")
    sources = {one["source"] for one in found["scores"]}
    assert not any("soft tokens" in source for source in sources)
    assert "nearest to the code's entry" in sources


@pytest.mark.parametrize(
    ("table", "more", "said"),
    [
        ("table5", ["--methods", "DCN"], "--methods: this study trains no network"),
        ("table5", ["--layers", "1"], "--layers: table5 shows no attention"),
        ("fig7", ["--layers", "2", "0"], "--layers: 0 given, layers count from 1"),
        ("all", ["--layers", "-1"], "--layers: -1 given, layers count from 1"),
        ("fig7", ["--engine", "catalogue"], "engine: fig7 is about soft tokens of users"),
        ("fig7", ["--splits", "cold"], "--splits: 'cold' is not in this study"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(table, more, said, study_words, tmp_path, capsys):
    assert said in refused(study_words(table, tmp_path, *more), capsys)


def test_a_layer_that_is_not_there_is_one_sentence_and_replaces_no_report(reading, output, capsys):
    before = (output / "fig7" / "results.json").read_text()
    capsys.readouterr()
    assert main(reading("fig7", output.parent, "--layers", "3")) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("userip reproduce: fig7: tiny / random: ")
    assert "--layers: [3] given, the language model has the layers 1 to 2" in said
    assert (output / "fig7" / "results.json").read_text() == before
