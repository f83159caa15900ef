"""The fuzz itself: some of its cases end well, and every kind of bad end is found."""

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from benchmarks.fuzz import artifacts, banks, commands, fields, readers
from benchmarks.fuzz.artifacts import Artifacts
from benchmarks.fuzz.banks import Banks
from benchmarks.fuzz.case import Kind, Outcome, difference, fault_of_sentence
from benchmarks.fuzz.commands import Commands
from benchmarks.fuzz.configurations import Configurations
from benchmarks.fuzz.fields import FORMS, Fields
from benchmarks.fuzz.findings import Findings
from benchmarks.fuzz.id_rule import BAD, MISSING, meanings
from benchmarks.fuzz.kinds import KINDS
from benchmarks.fuzz.lookups import Lookups
from benchmarks.fuzz.pool import Limits, Pool
from benchmarks.fuzz.readers import Readers
from benchmarks.fuzz.stores import Stores
from benchmarks.fuzz.worker import kind_of
from tests.fuzz_faults import ENDS
from userip_lightning.bank import FeatureBank

#: Kinds that need no experiment, and cases of theirs.
QUICK: dict[type[Kind], Sequence[int]] = {
    Banks: (1, 3, 4, 6, 7, 10, 13, 14, 15, 16, 17, 18, 21, 23, 25, 26),
    Stores: (1, 2, 4, 5, 6, 7, 9, 11),
    Lookups: (*range(9), *range(19, 47)),
    Readers: range(25),
    Fields: (*range(17), *range(30, 50)),
    Configurations: range(3),
}


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a kind sets as the cache, for its own process, holds for one test."""
    monkeypatch.setenv("USERIP_CACHE", os.environ.get("USERIP_CACHE", ""))


def ends(kind: Kind, folder: Path, seeds: Sequence[int]) -> list[Outcome]:
    """Run cases in this process."""
    made, scratch = folder / "made", folder / "scratch"
    made.mkdir()
    kind.build(made)
    kind.open(made)
    found = []
    for seed in seeds:
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        found.append(kind.run(seed, scratch))
    return found


def bad(outcomes: list[Outcome]) -> list[tuple[int, Outcome]]:
    return [(place, outcome) for place, outcome in enumerate(outcomes) if outcome.is_finding]


@pytest.mark.parametrize("kind", QUICK, ids=lambda kind: kind.name)
def test_some_cases_end_well(kind: type[Kind], tmp_path: Path) -> None:
    assert bad(ends(kind(), tmp_path, QUICK[kind])) == []


@pytest.mark.parametrize(("kind", "cases"), [(Artifacts, 20), (Commands, 2)])
def test_some_cases_of_an_experiment_end_well(
    kind: type[Kind], cases: int, finished: Path, finished_catalogue: Path, tmp_path, monkeypatch
) -> None:
    made = {"per_user": finished, "catalogue": finished_catalogue}
    for module in (artifacts, commands):
        monkeypatch.setattr(module, "finish", lambda folder, engine: made[engine])
    assert bad(ends(kind(), tmp_path, range(cases))) == []


def test_every_kind_is_listed_and_has_cases() -> None:
    kinds = {name: type(kind_of(named.kind)) for name, named in KINDS.items()}
    assert {kind.name: kind for kind in (*QUICK, Artifacts, Commands)} == kinds
    assert sum(named.cases for named in KINDS.values()) >= 20_000


def test_a_case_is_the_same_when_it_is_repeated(tmp_path: Path) -> None:
    kind = Banks()
    first = ends(kind, tmp_path, range(5))
    again = tmp_path / "again"
    again.mkdir()
    assert [outcome.mutation for outcome in ends(Banks(), again, range(5))] == [one.mutation for one in first]
    assert len({outcome.mutation for outcome in first}) == 5


def test_every_end_is_told_apart(tmp_path: Path) -> None:
    limits = Limits(seconds=2.0, memory=1 << 29, opening=60.0)
    folder = tmp_path / "made"
    folder.mkdir()
    with Pool(2, tmp_path / "pool", limits) as pool:
        pool.build("tests.fuzz_faults:Faults", folder)
        found, kept = {}, {}
        findings = Findings(tmp_path / "found")
        for seed, outcome, scratch in pool.run("tests.fuzz_faults:Faults", folder, range(len(ENDS))):
            found[seed] = outcome
            if outcome.is_finding:
                kept[seed] = findings.add("faults", seed, outcome, scratch)
    assert [found[seed].verdict for seed in range(len(ENDS))] == list(ENDS)
    assert [(path / "input").read_text() for path in kept.values() if path] == ["built"] * (len(ENDS) - 2)
    lines = [json.loads(line) for line in (tmp_path / "found" / "findings.jsonl").read_text().splitlines()]
    assert [line["verdict"] for line in sorted(lines, key=lambda line: line["seed"])] == list(ENDS)[2:]
    assert next(line["error"] for line in lines if line["verdict"] == "traceback") == "IndexError"


def test_wrong_codes_are_found(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(banks, "damage", lambda *_: "nothing")
    kind = Banks()
    assert bad(ends(kind, tmp_path, range(3))) == []
    right = FeatureBank.lookup

    def one_wrong(bank: FeatureBank, users: list[str]) -> np.ndarray:
        found = right(bank, users)
        found[7, 0] = (found[7, 0] + 1) % 4
        return found

    monkeypatch.setattr(FeatureBank, "lookup", one_wrong)
    scratch = tmp_path / "wrong"
    scratch.mkdir()
    outcome = kind.run(0, scratch)
    assert outcome.verdict == "wrong"
    assert outcome.told.startswith("codes: [7] ")


@pytest.mark.parametrize("kind", [Readers, Fields])
@pytest.mark.parametrize("fault", ["a row less", "another id", "a row twice"])
def test_a_reader_that_goes_wrong_is_found(kind: type[Kind], fault: str, tmp_path: Path, monkeypatch) -> None:
    case = kind()
    ends(case, tmp_path, range(0))
    right = readers.read

    def wrong(source, log: str):
        found = right(source, log)
        rows = found.rows
        if fault == "a row less":
            rows = rows[:-1]
        elif fault == "another id":
            rows = [(*row[:2], f"{row[2]}.0", *row[3:]) for row in rows]
        elif rows:
            rows = [*rows, (rows[-1][0] + 1, *rows[-1][1:])]
        return found._replace(rows=rows)

    monkeypatch.setattr(readers, "read", wrong)
    monkeypatch.setattr(fields, "read", wrong)
    verdicts = []
    for seed in range(12):
        scratch = tmp_path / f"case{seed}"
        scratch.mkdir()
        verdicts.append(case.run(seed, scratch).verdict)
    assert len([verdict for verdict in verdicts if verdict in ("wrong", "traceback")]) >= 4


@pytest.mark.parametrize(
    ("value", "meaning"),
    [
        (7, {"7"}),
        (7.0, {"7"}),
        ("7.0", {"7"}),
        ("007", {"007"}),
        (np.float32(7), {"7"}),
        (2.0**53, {BAD}),
        (7.5, {BAD}),
        (True, {BAD}),
        (np.bool_(False), {BAD}),
        (None, {MISSING}),
        (float("nan"), {MISSING}),
        (" ", {MISSING}),
        ("a\0", {BAD}),
        ("x" * 257, {BAD, MISSING}),
        (b"7", {BAD}),
        ([7], {BAD}),
        (2**64, {"18446744073709551616"}),
    ],
)
def test_the_rule_for_ids_as_the_oracle_has_it(value: object, meaning: set) -> None:
    assert meanings(value) == meaning


def test_what_is_no_sentence() -> None:
    assert fault_of_sentence("bank: damaged; write it again.") is None
    assert fault_of_sentence("bank: damaged; write it again.\nAnd more.") == "has lines"
    assert fault_of_sentence("KeyError: 'x'") is not None
    assert fault_of_sentence(f"{'x' * 3000}.") is not None


def test_two_answers_part_at_a_place() -> None:
    assert difference({"codes": [1, 2]}, {"codes": [1, 2]}) is None
    assert difference({"codes": [1, 2]}, {"codes": [1, 3]}) == "codes: [1] 3 instead of 2"
    assert difference({"codes": [1, 2], "more": 3}, {"codes": [1, 2]}) is None


def test_formats_of_known_cells_can_all_be_read(tmp_path: Path) -> None:
    """A case that refuses everything would find nothing."""
    found = ends(Fields(), tmp_path, range(60))
    assert {outcome.mutation.partition(":")[0] for outcome in found} == set(FORMS)
    assert sum(outcome.verdict == "right" for outcome in found) > 40
