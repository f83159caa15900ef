"""The report of `userip fit` says what the codes mean, and the command ends with where it is."""

import json

from tests.explain.parsed import Parsed
from userip_lightning.cli import main


def test_the_report_of_a_fit_has_a_card_per_code(finished_catalogue):
    page = (finished_catalogue / "report.html").read_text(encoding="utf-8")
    assert main(["explain", str(finished_catalogue), "--lm", "none"]) == 0
    found = json.loads((finished_catalogue / "explain.json").read_text(encoding="utf-8"))
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
