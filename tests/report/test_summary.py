from userip_lightning.report.judge import judge_study
from userip_lightning.report.summary import summary_sheet


def rows(sheet):
    return [dict(zip(sheet.header, row, strict=True)) for group in sheet.groups for row in group.rows]


def test_codes_are_held_against_the_best_control(entries, tmp_path):
    block = judge_study([*entries.values()], tmp_path, replicates=50).blocks[0]
    sheet = summary_sheet([block, block])
    first, second = rows(sheet)
    assert first == second
    assert (first["block"].text, first["codes"].text) == ("games / random / ids", "UserIP-DCN")
    assert (first["best control"].text, first["a gain?"].text) == ("DCN + SVD", "yes")
    assert first["▲ over no codes"].text == "1 of 2"
    contrast = block.verdicts[0].contrasts.row(2, named=True)
    assert first[sheet.header[3]].text.startswith(f"{contrast['delta_auc']:+.4f} [")
    assert first["best reference, AUC"].text == f"biased MF {block.table['auc'][0]:.4f}"


def test_without_controls_every_method_with_codes_is_listed_and_none_gains(entries, tmp_path):
    kept = [entry for entry in entries.values() if entry.group in ("network", "userip")]
    sheet = summary_sheet(judge_study(kept, tmp_path, replicates=50).blocks)
    assert [row["codes"].text for row in rows(sheet)] == ["UserIP-DCN", "UserIP-PNN"]
    assert {row["a gain?"].text for row in rows(sheet)} == {"no"}
    assert {row["best control"].text for row in rows(sheet)} == {"–"}
    assert {row["best reference, AUC"].text for row in rows(sheet)} == {"–"}


def test_codes_that_could_not_be_judged_have_no_answer(entries, absent, tmp_path):
    lost = entries["UserIP-DCN"]._replace(runs=(), failed="no codes.")
    (row,) = rows(summary_sheet(judge_study([entries["DCN"], lost], tmp_path, replicates=20).blocks))
    assert (row["a gain?"].text, row["▲ over no codes"].text) == ("–", "0 of 0")
    assert rows(summary_sheet(judge_study([absent["KAR"]], tmp_path).blocks)) == []
