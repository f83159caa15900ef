"""Logs and texts of which there is little to learn, through the command: one sentence, or sound codes."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoModelForCausalLM, AutoTokenizer

from tests.catalogue.small_log import Event, prepared
from userip_lightning.bank import FeatureBank
from userip_lightning.cli import main
from userip_lightning.errors import InputError
from userip_lightning.lm.backbone import FrozenBackbone

SOURCE = "userip_lightning.texts.source."
MODEL = "userip_lightning.texts.language_model."
WORDS = ["red rose", "old map sea", "tea cake", "robot war"]
TITLES = {f"i{n:02d}": f"{WORDS[n % 4]} {n}" for n in range(16)}
FORMS = ("joint", "additive", "explicit")
NONE, BAG = ({"class_path": SOURCE + name} for name in ("NoText", "BagOfWords"))


NEW = Event("u00", "i16")


def events(explicit: bool) -> list[Event]:
    """24 users, each with four training events on items of their own kind, and one on another."""
    rng = np.random.default_rng(0)
    found = []
    for user in range(24):
        own = rng.permutation(np.arange(user % 4, 16, 4))
        other = [(user + step) % 4 + 4 * (user % 3) for step in (1, 2, 3)]
        items, splits = [*own, *other], ["train"] * 4 + ["train", "val", "test"]
        for item, split in zip(items, splits, strict=True):
            likes = int(item % 4 == user % 4 or (explicit and split != "train" and user % 2))
            found.append(Event(f"u{user:02d}", f"i{item:02d}", split, likes if explicit else 1))
    return found


class Made(NamedTuple):
    """What the command left behind."""

    status: int
    said: str
    folder: Path

    @property
    def bank(self) -> FeatureBank:
        assert self.status == 0, self.said
        return FeatureBank.open(self.folder)

    def array(self, name: str) -> np.ndarray:
        return np.asarray(np.load(self.bank.path / f"{name}.npy"))

    def classes(self) -> np.ndarray:
        """[U] in the order of user ids."""
        codes = self.bank.users.sort("user_id").drop("user_id").to_numpy()
        return np.asarray(codes @ [1000, 1][: codes.shape[1]])


Run = Callable[..., Made]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`userip catalogue fit` on a log, with a text source and further words."""
    monkeypatch.setenv("USERIP_CACHE", str(tmp_path / "cache"))

    def made(
        form: str,
        text: dict[str, Any],
        log: Sequence[Event] | None = None,
        titles: Any = TITLES,
        sizes: dict[str, int] | None = None,
        folder: str = "run",
        words: Sequence[str] = (),
    ) -> Made:
        explicit = form == "explicit"
        path = prepared(tmp_path / "log", events(explicit) if log is None else log, titles, explicit)
        settings = {
            "--data.prepared": str(path),
            "--data.text": json.dumps(text),
            "--model.sizes": json.dumps(sizes or {"hobby": 2, "background": 2}),
            "--model.codebooks": "joint" if explicit else form,
            "--model.allow_unused": "true",
            "--model.strength": "1",
            "--trainer.max_epochs": "12",
            "--trainer.accelerator": "cpu",
            "--trainer.logger": "false",
            "--trainer.enable_progress_bar": "false",
            "--trainer.default_root_dir": str(tmp_path / folder),
            "--output": str(tmp_path / folder / "bank"),
        }
        given = [word for pair in settings.items() for word in pair]
        status = main(["catalogue", "fit", *given, *words])
        said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("userip")]
        return Made(status, "\n".join(said), tmp_path / folder / "bank")

    return made


def sound(made: Made) -> bool:
    """Every number of the table is finite, and every user has a code within its range."""
    arrays = [np.load(file) for file in made.bank.path.glob("*.npy")]
    finite = all(np.isfinite(part).all() for part in arrays if part.dtype.kind == "f")
    codes = made.bank.users.drop("user_id").to_numpy()
    return finite and bool((codes >= 0).all() and (codes < np.array(made.bank.sizes)).all())


def item_evidence(made: Made, form: str, item: int) -> list[np.ndarray]:
    """What the table says of an item, per class or code."""
    evidence = made.array("evidence")
    return [evidence[item], evidence[len(evidence) // 2 + item]] if form == "explicit" else [evidence[item]]


@pytest.mark.parametrize("form", FORMS)
def test_an_item_no_user_has_speaks_through_its_text_alone(form: str, run: Run) -> None:
    log = [event for event in events(form == "explicit") if (event.item, event.split) != ("i03", "train")]
    alone, told = (run(form, text, log, folder=name) for text, name in ((NONE, "a"), (BAG, "b")))
    assert sound(alone)
    assert sound(told)
    silent, speaks = (max(map(np.ptp, item_evidence(made, form, 3))) for made in (alone, told))
    assert silent < 0.1 * speaks
    assert speaks > 1


@pytest.mark.parametrize("form", FORMS)
def test_a_user_without_items_gets_the_codes_that_shares_speak_for(form: str, run: Run) -> None:
    log = [event for event in events(form == "explicit") if (event.user, event.split) != ("u03", "train")]
    made = run(form, BAG, log)
    assert sound(made)
    share = made.array("log_share")
    if form == "additive":
        share = made.array("directions").astype(np.float64) @ share
    assert made.classes()[3] == np.unravel_index(share.argmax(), (2, 2)) @ np.array([1000, 1])


def test_one_item_alone_tells_who_likes_it(run: Run) -> None:
    splits = ["train", "train", "val", "test"]
    log = [Event(f"u{n:02d}", "i00", splits[n // 2 % 4], n % 2) for n in range(40)]
    made = run("explicit", NONE, log, {"i00": "red rose"}, {"hobby": 2})
    assert sound(made)
    trained = np.array([n // 2 % 4 < 2 for n in range(40)])
    likes = np.arange(40) % 2
    for kind in (0, 1):
        assert len(set(made.classes()[trained & (likes == kind)])) == 1
    assert len(set(made.classes()[trained])) == 2


def test_one_item_alone_leaves_an_implicit_log_without_negatives(run: Run) -> None:
    with pytest.raises(InputError, match="met 1 of 1 items, too many for the negatives"):
        run("joint", NONE, [Event("u", "i00", split) for split in ("train", "val", "test")], {"i00": "a"})


@pytest.mark.parametrize("form", FORMS)
def test_users_who_are_all_alike_share_one_code(form: str, run: Run) -> None:
    explicit = form == "explicit"
    log = [
        Event(f"u{n:02d}", f"i{item:02d}", "train", item % 2 if explicit else 1)
        for n in range(24)
        for item in range(4)
    ]
    log += [
        Event(f"u{n:02d}", f"i{4 + (n + at) % 12:02d}", split, n % 2 if explicit else 1)
        for n in range(24)
        for at, split in enumerate(("val", "test"))
    ]
    made = run(form, BAG, log)
    assert sound(made)
    assert len(set(made.classes())) == 1
    refused = run(form, BAG, log, folder="strict", words=["--model.allow_unused", "false"])
    assert refused.status == 2
    assert "have no user, expected at least one each; lower its size" in refused.said


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("sizes", [(1, 1), (1, 3), (3, 1)])
def test_a_profile_with_one_code_is_the_same_for_everybody(
    form: str, sizes: tuple[int, int], run: Run
) -> None:
    made = run(form, BAG, sizes={"hobby": sizes[0], "background": sizes[1]})
    assert sound(made)
    used = [made.bank.users[name].n_unique() for name in ("hobby", "background")]
    assert [number == 1 for number in used] == [size == 1 for size in sizes]


@pytest.mark.parametrize("form", FORMS)
def test_more_combinations_than_users_are_sound(form: str, run: Run) -> None:
    made = run(form, BAG, sizes={"hobby": 9, "background": 8})
    assert sound(made)
    assert made.bank.sizes == (9, 8)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("title", "said"),
    [("same old title", "no two items have different texts"), (None, "no item has a text")],
)
def test_texts_that_tell_nothing_leave_the_codes_to_the_counts(
    form: str, title: str | None, said: str, run: Run
) -> None:
    titles = dict.fromkeys(TITLES, title)
    with pytest.warns(UserWarning, match=f"{said}, so codes come from counts alone"):
        made = run(form, BAG, titles=titles)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", ".*codes come from counts alone")
        counts = run(form, NONE, titles=titles, folder="counts")
    assert sound(made)
    for name in ("log_share", "item_ids"):
        assert np.array_equal(made.array(name), counts.array(name))


def readers(request: pytest.FixtureRequest, **folders: Path) -> dict[str, dict[str, Any]]:
    """Every source with a language model, by its name; tiny models, but for those in ``folders``."""

    def lm(fixture: str) -> dict[str, str]:
        return {"name": str(folders.get(fixture) or request.getfixturevalue(fixture)), "dtype": "float32"}

    encoder = {"name": lm("tiny_encoder")["name"]}
    prompt = {"soft_tokens": 2}
    learned = {"sizes": [2, 2], "steps": 10, "items": 8, "exact": None, "layer": 1, "max_tokens": 9999}
    return {
        "SentenceEncoder": {"class_path": f"{MODEL}SentenceEncoder", "init_args": {"encoder": encoder}},
        "HiddenStates": {
            "class_path": f"{MODEL}HiddenStates",
            "init_args": {"lm": lm("tiny_gpt2"), "layer": 1},
        },
        "Likelihood": {
            "class_path": "userip_lightning.catalogue.likelihood_text.Likelihood",
            "init_args": {"lm": lm("tiny_gpt2"), "prompt": prompt, **learned},
        },
    }


READERS = ("SentenceEncoder", "HiddenStates", "Likelihood")


@pytest.mark.parametrize("reader", READERS)
def test_a_title_longer_than_the_window_is_cut(reader: str, run: Run, request: pytest.FixtureRequest) -> None:
    long = " ".join(["old map"] * 400)
    made = run("joint", readers(request)[reader], titles={**TITLES, "i05": long})
    assert sound(made)


def test_a_prompt_that_fills_the_window_is_refused(run: Run, request: pytest.FixtureRequest) -> None:
    text = readers(request)["Likelihood"]
    text["init_args"]["prompt"] = {"soft_tokens": 130}
    made = run("joint", text)
    assert made.status == 2
    assert "catalogue: data.text.init_args.prompt: its profiles and task text take" in made.said
    assert "reads 256 in all; give fewer soft tokens" in made.said


def without_number(folder: Path, kind: type, sign: str, target: Path) -> Path:
    """A copy of a model that gives NaN wherever ``sign`` is read."""
    shutil.copytree(folder, target)
    model = kind.from_pretrained(folder)  # type: ignore[attr-defined]  # of every Auto class
    tokens = AutoTokenizer.from_pretrained(folder)(sign, add_special_tokens=False)["input_ids"]
    with torch.no_grad():
        model.get_input_embeddings().weight[tokens] = torch.nan
    model.save_pretrained(target)
    return target


@pytest.mark.parametrize("form", ["joint", "explicit"])
@pytest.mark.parametrize("reader", READERS)
def test_an_item_without_numbers_is_named_and_the_rest_goes_on(
    reader: str,
    form: str,
    run: Run,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lm, encoder = request.getfixturevalue("tiny_gpt2"), request.getfixturevalue("tiny_encoder")
    folders = {"tiny_encoder": without_number(encoder, AutoModel, "§", tmp_path / "encoder")}
    if reader == "HiddenStates":
        folders["tiny_gpt2"] = without_number(lm, AutoModelForCausalLM, "§", tmp_path / "lm")
    else:  # its weights are whole, but it overflows
        (token,) = set(AutoTokenizer.from_pretrained(lm)("§")["input_ids"][-1:])
        embed = FrozenBackbone.embed

        def overflowing(backbone: FrozenBackbone, ids: torch.Tensor) -> torch.Tensor:
            return embed(backbone, ids).masked_fill((ids == token).unsqueeze(-1), torch.nan)

        monkeypatch.setattr(FrozenBackbone, "embed", overflowing)
    titles = {**TITLES, "i05": "old map § 5"}
    with pytest.warns(UserWarning, match=r"first of them 'old map § 5'"):
        made = run(form, readers(request, **folders)[reader], titles=titles)
    assert sound(made)
    assert max(map(np.ptp, item_evidence(made, form, 6))) > 0.5


def test_a_model_without_any_number_is_refused(
    run: Run, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    folder = without_number(
        request.getfixturevalue("tiny_gpt2"), AutoModelForCausalLM, "".join(TITLES.values()), tmp_path / "lm"
    )
    made = run("joint", readers(request, tiny_gpt2=folder)["HiddenStates"])
    assert made.status == 2
    assert "gives no text finite numbers, tried were 16" in made.said


def changed(text: dict[str, Any], **settings: Any) -> dict[str, Any]:
    return {**text, "init_args": {**text["init_args"], **settings}}


@pytest.mark.parametrize(
    ("reader", "settings", "said"),
    [
        (None, {}, "text.class"),
        ("HiddenStates", {"layer": 0}, "text.layer"),
        ("HiddenStates", None, "weights"),
        ("Likelihood", {"prompt": {"soft_tokens": 1}}, "text.prompt"),
    ],
)
def test_a_table_of_another_reader_is_not_gone_on_with(
    reader: str | None,
    settings: dict[str, Any] | None,
    said: str,
    run: Run,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "lm"
    shutil.copytree(request.getfixturevalue("tiny_gpt2"), folder)
    own = BAG if reader is None else readers(request, tiny_gpt2=folder)[reader]
    if reader == "Likelihood":
        own = changed(own, steps=0)
    other = NONE if reader is None else changed(own, **(settings or {}))
    assert run("joint", own).status == 0
    words = ["--ckpt_path", str(tmp_path / "run" / "last.ckpt")]
    assert run("joint", own, words=words).status == 0
    if settings is None:
        without_number(folder, AutoModelForCausalLM, "@", tmp_path / "copy")
        shutil.copytree(tmp_path / "copy", folder, dirs_exist_ok=True)
    made = run("joint", other, words=words)
    assert made.status == 2
    assert f"checkpoint: made with another {said} (" in made.said
    assert "start without it" in made.said


def test_a_table_of_another_catalogue_or_other_codes_is_not_gone_on_with(run: Run, tmp_path: Path) -> None:
    assert run("joint", NONE).status == 0
    words = ["--ckpt_path", str(tmp_path / "run" / "last.ckpt")]
    wrong: dict[str, dict[str, Any]] = {
        "data": {"form": "joint", "titles": {**TITLES, "i16": "new"}, "log": [*events(False), NEW]},
        "sizes": {"form": "joint", "sizes": {"hobby": 4, "background": 1}},
        "codebooks": {"form": "additive"},
    }
    for said, other in wrong.items():
        made = run(text=NONE, words=words, **other)
        assert made.status == 2
        assert f"checkpoint: made with another {said} (" in made.said


def test_the_bank_says_what_its_table_was_made_from(run: Run, request: pytest.FixtureRequest) -> None:
    made = run("joint", readers(request)["HiddenStates"])
    reading = json.loads((made.bank.path / "manifest.json").read_text())["extra"]["reading"]
    assert reading["text.class"] == f"{MODEL}HiddenStates"
    assert reading["text.layer"] == 1
    assert len(reading["weights"]) == 16
    assert reading["columns"] == ["title"]
