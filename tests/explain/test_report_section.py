"""The report of `userip fit` says what the codes mean, and the command ends with where it is."""

import json

import pytest

from tests.explain.parsed import Parsed
from userip_lightning.cli import main
from userip_lightning.errors import InputError
from userip_lightning.pipeline import explained


def test_the_report_of_a_fit_has_a_card_per_code(finished_catalogue):
    page = (finished_catalogue / "report.html").read_text(encoding="utf-8")
    found = json.loads((finished_catalogue / "explain.json").read_text(encoding="utf-8"))
    assert len(found["users"]) == found["n_users"]
    assert "Find a user" in (finished_catalogue / "explain.html").read_text(encoding="utf-8")
    labels = [code["label"] for profile in found["profiles"] for code in profile["codes"] if code["users"]]
    assert len(labels) >= 3
    text = Parsed(page).text
    assert [label for label in labels if label not in text] == []


def test_the_report_of_the_per_user_engine_says_what_its_codes_have(finished):
    text = Parsed((finished / "report.html").read_text(encoding="utf-8")).text
    assert "hobby" in text
    assert "What the codes mean" in text


def test_the_command_ends_with_the_address_of_the_report(catalogue_config, finished_catalogue, capsys):
    assert main(["fit", "--config", str(catalogue_config)]) == 0
    last = capsys.readouterr().out.strip().splitlines()[-1]
    assert last.endswith(str(finished_catalogue / "report.html"))


@pytest.mark.parametrize(
    ("error", "said", "logged"),
    [
        (ZeroDivisionError("by <zero>"), "ZeroDivisionError: by <zero>.", True),
        (InputError("bank: gone; fit it again."), "bank: gone; fit it again.", False),
    ],
)
def test_a_fit_ends_well_though_its_codes_cannot_be_explained(
    catalogue_config, tmp_path, monkeypatch, caplog, error, said, logged
):
    def fail(*_):
        page = (tmp_path / "tiny_catalogue" / "report.html").read_text(encoding="utf-8")
        assert "What the codes mean" not in page
        raise error

    monkeypatch.setattr(explained, "explain", fail)
    words = ["fit", "--config", str(catalogue_config), "--output", str(tmp_path)]
    stages = ["--stages", "prepare,catalogue,report", "--seeds", "[0]"]
    assert main([*words, *stages]) == 0
    page = (tmp_path / "tiny_catalogue" / "report.html").read_text(encoding="utf-8")
    assert f"What the codes mean could not be said: {said}" in Parsed(page).text
    assert ("Traceback" in caplog.text) == logged
