import pytest

from userip_lightning.report.judge import judge_study
from userip_lightning.report.sheet import GROUPS, HEADER, PAPER_HEADER, block_sheet


@pytest.fixture
def block(entries, absent, tmp_path):
    return judge_study([*(entries | absent).values()], tmp_path, replicates=50).blocks[0]


def cells(sheet):
    """Method to column to cell."""
    rows = [row for group in sheet.groups for row in group.rows]
    return {row[0].text: dict(zip(sheet.header, row, strict=True)) for row in rows}


def test_cells_hold_the_figures_of_the_table(block):
    sheet = block_sheet(block)
    assert sheet.header == (*HEADER, *PAPER_HEADER)
    assert [group.heading for group in sheet.groups] == list(GROUPS.values())
    for row in block.table.filter(block.table["status"] == "measured").to_dicts():
        shown = cells(sheet)[row["method"]]
        assert shown["AUC"].text == f"{row['auc']:.4f} ± {row['auc_std']:.4f}"
        assert shown["NE"].text == f"{row['normalised_entropy']:.4f}"
        calibrated = f"{row['calibrated_logloss']:.4f} ± {row['calibrated_logloss_std']:.4f}"
        assert shown["Logloss, calibrated"].text == calibrated
        if row["delta_auc"] is None:
            assert (shown[HEADER[6]].text, shown["p by user"].text) == ("–", "–")
            continue
        for column, metric in (
            ("ΔAUC [95\u00a0%]", "auc"),
            ("ΔLogloss, calibrated [95\u00a0%]", "calibrated_logloss"),
        ):
            values = [row[f"delta_{metric}{end}"] for end in ("", "_low", "_high")]
            assert shown[column].text == "{:+.4f} [{:+.4f}, {:+.4f}]".format(*values)
    assert cells(sheet)["UserIP-DCN"][""].text == "▲"
    assert cells(sheet)["UserIP-DCN"]["p DeLong"].text == "<0.001"
    gap = block.table["auc"][1] - 0.7317
    assert cells(sheet)["DCN"]["paper AUC (ours −)"].text == f"0.7317 ({gap:+.4f})"


def test_best_and_second_are_marked_per_metric(block):
    shown = cells(block_sheet(block))
    assert (shown["UserIP-DCN"]["AUC"].rank, shown["UserIP-DCN"]["Logloss"].rank) == (1, 1)
    ranks = [row["AUC"].rank for row in shown.values()]
    assert sorted(ranks, reverse=True)[:3] == [2, 1, 0]
    second = block.table.drop_nulls("auc").sort("auc", descending=True)["method"][1]
    assert shown[second]["AUC"].rank == 2


def test_what_has_no_figures_shows_its_reason_once(block):
    sheet = block_sheet(block)
    assert cells(sheet)["KAR"]["AUC"].text == "not run"
    assert cells(sheet)["KAR"]["paper AUC (ours −)"].text == "0.7136"
    assert sheet.absent == (
        "KAR, PEPLER: not run. needs Llama-2-7B.",
        "FFM: failed. loss <nan> & more in batch 3.",
    )


def test_the_sentences_judge_controls_networks_and_references(block):
    sheet = block_sheet(block)
    assert sheet.caption == (
        f"Judged on 400 rows of {block.users} users, 5 seeds; "
        f"Logloss of the click rate alone {block.base_rate_logloss:.4f}."
    )
    codes, networks, best, reference = sheet.verdicts
    assert codes.startswith("UserIP-DCN. The codes gain")
    assert networks == (
        "Over the same network without codes, 1 of 2 methods with codes gain at least 0.001 AUC, the whole "
        "interval above zero, at a calibrated Logloss that is not worse, with at least 5 seeds; 1 lose as "
        "much AUC."
    )
    assert best.startswith("Relative improvement as in the paper's Table 2 (Eq. 10, 11): UserIP-DCN has +")
    assert " over biased MF, on these rows the best of 3 methods without codes by AUC (ΔAUC +" in best
    assert reference.endswith("AUC, is above 2 of 2 networks.")


def test_a_block_without_figures_says_so(absent, tmp_path):
    sheet = block_sheet(judge_study([absent["KAR"]], tmp_path).blocks[0])
    assert (sheet.caption, sheet.verdicts) == ("Nothing was measured.", ())
