"""`userip infer` on experiments of the catalogue engine: the bank's own rule, for anybody."""

import json
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest

from tests.bulk.inferring import run, written
from tests.cli.refusal import refused
from userip_lightning.artifact import Manifest
from userip_lightning.bank import FeatureBank
from userip_lightning.bank.versions import point, versions
from userip_lightning.bulk.catalogue_engine import Tabled
from userip_lightning.bulk.part_store import PartStore
from userip_lightning.cli import main
from userip_lightning.cli.infer import trained_by
from userip_lightning.data.prepared import PreparedData
from userip_lightning.errors import InputError
from userip_lightning.lock import LOCK
from userip_lightning.schema import SUPPORT, TRAIN
from userip_lightning.serving import Profiler

#: Experiments by name: the labels of the log, and the form of the codebooks.
FORMS = {
    "explicit": (None, "joint"),
    "joint": ("Implicit", "joint"),
    "additive": ("Implicit", "additive"),
    "additive, explicit": (None, "additive"),
}


class Fitted(NamedTuple):
    """An experiment after its catalogue stage, and the events that coded its users."""

    folder: Path
    engine: Tabled
    bank: FeatureBank
    events: pl.DataFrame
    explicit: bool

    def words(self, events: Path, codes: Path, *further: str) -> list[str]:
        """Of the command."""
        return ["infer", str(self.folder), "--events", str(events), "--codes", str(codes), *further]


@pytest.fixture(scope="module", params=FORMS)
def fitted(request, config: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    labels, codebooks = FORMS[request.param]
    output = tmp_path_factory.mktemp(request.param)
    words = ["fit", "--config", str(config), "--output", str(output), "--engine", "catalogue"]
    words += ["--seeds", "[0]", "--controls", "[]", "--stages", "prepare,catalogue"]
    words += ["--catalogue.model.sizes", '{"hobby": 4, "background": 3}']
    words += ["--catalogue.model.codebooks", codebooks, "--catalogue.model.strength", "1"]
    if labels is not None:
        words += ["--data.labels", f"userip_lightning.data.labels.{labels}"]
    assert main(words) == 0
    engine = trained_by(output / "tiny", seed=None)
    assert isinstance(engine, Tabled)
    bank = FeatureBank.open(engine.bank)
    prepared = PreparedData.load(cache / f"prepared-{bank.manifest.data_hash}")
    events = prepared.rows(TRAIN, SUPPORT).filter("logged")
    return Fitted(output / "tiny", engine, bank, events.select("user_id", "item_id", "label"), labels is None)


@pytest.fixture
def population(fitted: Fitted, tmp_path: Path) -> Path:
    """What the users of the log did, as they come."""
    fitted.events.sample(fraction=1.0, shuffle=True, seed=3).write_parquet(tmp_path / "events.parquet")
    return tmp_path / "events.parquet"


def test_bank_infer_and_profiler_agree_on_every_user(
    fitted: Fitted, population: Path, tmp_path: Path, capsys
):
    assert main(fitted.words(population, tmp_path / "codes", "--part_users", "7")) == 0
    inferred = written(tmp_path / "codes")
    bank = fitted.bank.users
    assert inferred.drop("known_behaviours").equals(bank)
    profiler = Profiler.load(fitted.bank.path)
    assert profiler.explicit == fitted.explicit
    assert profiler.codes(fitted.events).equals(inferred)
    assert bank.n_unique(["hobby", "background"]) > 4
    counts = fitted.events.group_by("user_id").len().sort("user_id")
    assert inferred["known_behaviours"].to_list() == counts["len"].to_list()
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"codes of {bank.height} users: {tmp_path / 'codes' / 'codes'}"
    assert len(said) == 3
    files = sorted(file.name for file in (tmp_path / "codes").iterdir())
    assert files == [LOCK, "codes", "identity.json", "summary.json"]
    assert len(list((tmp_path / "codes" / "codes").iterdir())) > 1


def test_states_of_the_bank_are_what_its_events_add_up_to(fitted: Fitted):
    profiler = Profiler.load(fitted.bank.path)
    states = np.load(fitted.bank.path / "states.npy")
    assert states.dtype == np.float64
    ids, found, _ = profiler.states(fitted.events)
    assert ids.tolist() == fitted.bank.users["user_id"].to_list()
    assert np.array_equal(states, found)
    some = profiler.start()
    for _, item, label in fitted.events.filter(user_id=ids[3]).reverse().rows():
        assert profiler.update(some, item, label)
    assert np.array_equal(some, states[3])


def test_a_run_that_was_stopped_goes_on_and_ends_as_one_that_was_not(
    fitted: Fitted, population, tmp_path, monkeypatch
):
    write = PartStore.write

    def stop(store, part, found):
        write(store, part, found)
        if part == 1:
            raise KeyboardInterrupt

    output, said = tmp_path / "codes", []
    with monkeypatch.context() as patched:
        patched.setattr(PartStore, "write", stop)
        with pytest.raises(KeyboardInterrupt):
            run(fitted.engine, population, output)
    assert [file.name for file in sorted((output / "codes").iterdir())] == ["00000.parquet", "00001.parquet"]
    assert (
        run(fitted.engine, population, output, report=said.append)
        .drop("known_behaviours")
        .equals(fitted.bank.users)
    )
    assert any(sentence.startswith("going on: 2 of ") for sentence in said)


def test_a_stranger_among_others_gets_the_codes_that_most_have(fitted: Fitted, tmp_path: Path, capsys):
    stranger = pl.DataFrame({"user_id": ["stranger"] * 2, "item_id": ["new", "newer"], "label": [1, 1]})
    both = pl.concat([fitted.events, stranger], how="vertical_relaxed")
    both.write_parquet(tmp_path / "both.parquet")
    assert main(fitted.words(tmp_path / "both.parquet", tmp_path / "codes", "--part_users", "2")) == 0
    found = written(tmp_path / "codes")
    most = Profiler.load(fitted.bank.path)
    assert found.filter(user_id="stranger").row(0) == ("stranger", *most.code(most.start()), 0)
    assert found.filter(pl.col("user_id") != "stranger").drop("known_behaviours").equals(fitted.bank.users)
    said = capsys.readouterr().out
    assert "1 users have no event of a known item, hence the codes of a user without events" in said
    assert f"2 of {both.height} events name items that the table does not hold" in said


def test_whole_floats_are_integers_as_ids(fitted: Fitted, population: Path, tmp_path: Path):
    floats = pl.read_parquet(population).with_columns(pl.col("user_id", "item_id").cast(pl.Float64))
    floats.write_parquet(tmp_path / "floats.parquet")
    found = run(fitted.engine, tmp_path / "floats.parquet", tmp_path / "codes")
    assert found.drop("known_behaviours").equals(fitted.bank.users)
    gap = floats.with_columns(
        user_id=pl.when(pl.int_range(pl.len()) == 4).then(float("nan")).otherwise("user_id")
    )
    gap.write_parquet(tmp_path / "gap.parquet")
    with pytest.raises(InputError, match="row 5 has no usable user_id; mend or delete what is wrong"):
        run(fitted.engine, tmp_path / "gap.parquet", tmp_path / "other")


def another(fitted: Fitted, root: Path, data_hash: str) -> Path:
    """A bank of two versions, whose table gives everybody the last code of each profile."""
    own = fitted.bank
    kept = {file.stem: np.load(file) for file in own.path.glob("*.npy")}
    kept = {name: part for name, part in kept.items() if name not in ("codes", "keys", "starts", "rows_seen")}
    share = np.full_like(kept["log_share"], -1000)
    share[-1] = 0
    if "directions" in kept:
        share = 2**16 * kept["directions"][-1]
    users = own.users
    for arrays in (kept, kept | {"log_share": share}):
        FeatureBank.write(
            root,
            users["user_id"].to_list(),
            users.drop("user_id").to_numpy(),
            own.names,
            own.sizes,
            replace(own.manifest, data_hash=data_hash),
            np.empty(0, int),
            arrays,
        )
    return root


def test_the_table_of_a_bank_that_is_named_codes_instead_of_the_own(
    fitted: Fitted, population, tmp_path, capsys
):
    served = another(fitted, tmp_path / "served", fitted.bank.manifest.data_hash)
    output = tmp_path / "codes"
    words = fitted.words(population, output, "--bank", str(served))
    assert main(words) == 0
    found = written(output)
    assert found.equals(Profiler.load(served).codes(fitted.events))
    assert found.select("hobby", "background").unique().rows() == [(3, 2)]
    version = (served / "CURRENT").read_text().strip()
    assert json.loads((output / "identity.json").read_text())["bank"] == version
    assert main(words) == 0  # nothing to do
    assert "its codes were inferred with another bank (" in refused(fitted.words(population, output), capsys)
    point(served, next(name for name in versions(served) if name != version))
    assert "its codes were inferred with another bank (" in refused(words, capsys)


def test_a_run_keeps_to_the_version_that_it_began_with(fitted: Fitted, population, tmp_path):
    served = another(fitted, tmp_path / "served", fitted.bank.manifest.data_hash)
    engine, begun = trained_by(fitted.folder, None, served), FeatureBank.open(served).path.name
    point(served, next(name for name in versions(served) if name != begun))
    assert run(engine, population, tmp_path / "codes").select("hobby", "background").unique().rows() == [
        (3, 2)
    ]
    assert json.loads((tmp_path / "codes" / "identity.json").read_text())["bank"] == begun


def test_a_bank_of_other_data_is_refused(fitted: Fitted, population, tmp_path, capsys):
    served = another(fitted, tmp_path / "served", "elsewhere")
    line = refused(fitted.words(population, tmp_path / "codes", "--bank", str(served)), capsys)
    assert f"this bank was made from other data than {fitted.folder}" in line
    assert not (tmp_path / "codes").exists()


@pytest.mark.parametrize(
    ("further", "sentence"),
    [
        (("--workers", "2"), "--workers: 2, but the catalogue engine's codes are sums"),
        (("--seed", "7"), "--seed: 7, but the experiment has codes of the seeds [0]"),
        (("--part_users", "0"), "--part_users: 0, expected 1 or more"),
    ],
)
def test_what_belongs_to_the_other_engine_is_refused(
    fitted: Fitted, population: Path, tmp_path: Path, capsys, further, sentence
):
    assert sentence in refused(fitted.words(population, tmp_path / "codes", *further), capsys)
    assert not (tmp_path / "codes").exists()


def test_events_of_another_catalogue_are_refused_before_anything_is_written(fitted: Fitted, tmp_path, capsys):
    file = tmp_path / "foreign.parquet"
    fitted.events.with_columns(item_id="x" + pl.col("item_id")).write_parquet(file)
    line = refused(fitted.words(file, tmp_path / "codes"), capsys)
    assert line.startswith(f"{file}: none of the items is in the table; the events have item_id 'x")
    assert not (tmp_path / "codes").exists()


def test_an_experiment_whose_codes_are_not_there_says_which_stage_makes_them(
    fitted: Fitted, population, tmp_path, capsys
):
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "config.yaml").write_bytes((fitted.folder / "config.yaml").read_bytes())
    line = refused(
        ["infer", str(copy), "--events", str(population), "--codes", str(tmp_path / "codes")], capsys
    )
    assert "catalogue/seed0 is not there" in line
    assert "--stages catalogue` first" in line


def test_a_bank_without_a_table_is_refused(fitted: Fitted, population, tmp_path):
    users = fitted.bank.users
    manifest = Manifest("bank", "config", "data", users.height)
    codes = users.drop("user_id").to_numpy()
    FeatureBank.write(
        tmp_path / "bank",
        users["user_id"].to_list(),
        codes,
        ["hobby", "background"],
        [4, 3],
        manifest,
        np.empty(0, int),
    )
    with pytest.raises(InputError, match="no table that codes others"):
        run(Tabled(fitted.engine.labels, tmp_path / "bank"), population, tmp_path / "codes")
