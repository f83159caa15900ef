import re

import pytest

from userip_lightning.report.drawing import inline_svg, save_figure
from userip_lightning.report.entries import Entry
from userip_lightning.report.figures import block_figure, curve_figures, size_figures
from userip_lightning.report.judge import judge_study


@pytest.fixture
def sizes(entries, write, tmp_path):
    """UserIP-DCN at three sizes of the hobby codebook and two of the background's."""
    for seed in range(5):
        write("small", seed, 0.9)
    tried = [(3, 3), (9, 3), (81, 3), (4, 3), (4, 27)]
    coded = [
        Entry(
            *entries["DCN"].block,
            f"UserIP-DCN {h}/{b}",
            "userip",
            "DCN",
            "DCN",
            runs,
            sizes=dict(zip(("hobby", "background"), (h, b), strict=True)),
        )
        for (h, b), runs in zip(tried, [tuple(f"small/{seed}" for seed in range(5))] * 5, strict=True)
    ]
    return judge_study([entries["DCN"], *coded], tmp_path, replicates=20).blocks[0]


def test_every_measured_method_has_a_point_in_each_panel(entries, absent, tmp_path):
    block = judge_study([*(entries | absent).values()], tmp_path, replicates=20).blocks[0]
    axes = block_figure(block).axes
    for axis, metric in zip(axes, ("auc", "logloss"), strict=True):
        points = sorted(line.get_xdata()[0] for line in axis.lines)
        assert points == pytest.approx(block.table[metric].drop_nulls().sort().to_list())
    assert block_figure(judge_study([absent["KAR"]], tmp_path).blocks[0]) is None


def test_sizes_are_drawn_for_one_profile_while_the_other_stays(sizes):
    found = size_figures(sizes)
    assert list(found) == ["hobby", "background"]
    drawn = found["hobby"].axes[0].lines
    assert drawn[0].get_xdata().tolist() == [3, 4, 9, 81]
    assert set(drawn[1].get_ydata()) == {sizes.table["auc"][0]}  # without codes
    assert found["background"].axes[0].lines[0].get_xdata().tolist() == [3, 27]


def test_a_study_of_one_size_has_no_such_figure(entries, tmp_path):
    block = judge_study([*entries.values()], tmp_path, replicates=20).blocks[0]
    assert size_figures(block) == {}


def test_curves_are_spread_over_figures_when_there_are_many():
    curves = {f"run {number}": [(0, 0.7, 0.6), (1, 0.71, 0.59)] for number in range(9)} | {"empty": []}
    figures = curve_figures(curves)
    assert [len(figure.axes[0].lines) for figure in figures] == [8, 1]
    assert figures[0].axes[1].lines[0].get_ydata().tolist() == [0.6, 0.59]


def test_an_inline_figure_takes_size_font_and_colours_from_the_page(tmp_path):
    text = save_figure(curve_figures({"a": [(0, 0.7, 0.6), (1, 0.71, 0.59)]})[0], tmp_path / "curve")
    assert (tmp_path / "curve.svg").read_text() == text
    svg = inline_svg(text, 'curve of "a"')
    assert svg.startswith('<svg viewBox="0 0 ')
    assert 'aria-label="curve of &quot;a&quot;"' in svg
    assert "var(--accent)" in svg
    assert not re.search(r"font-family|<style|http|<g id=", svg)
