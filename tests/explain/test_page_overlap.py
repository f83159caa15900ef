import re

from tests.explain.synthetic import explanation
from userip_lightning.explain.page_overlap import overlap


def cells(text):
    pattern = r'<td class="(more|less)" style="--heat: (\d+)%">([\d,]+) (?:<small>([\d.]+) ×</small>)?</td>'
    return [
        (kind, int(heat), int(n.replace(",", "")), times)
        for kind, heat, n, times in re.findall(pattern, text)
    ]


def test_colours_say_how_far_from_independent_a_cell_is():
    found = explanation(sizes=(2, 2))
    found["overlap"][0]["counts"] = [[4000, 0], [0, 4000]]
    assert cells(overlap(found)) == [
        ("more", 50, 4000, "2.0"),
        ("less", 100, 0, "0.0"),
        ("less", 100, 0, "0.0"),
        ("more", 50, 4000, "2.0"),
    ]
    found["overlap"][0]["counts"] = [[100, 300], [200, 600]]
    assert {(heat, times) for _, heat, _, times in cells(overlap(found))} == {(0, "1.0")}


def test_a_cell_of_few_users_stays_pale_and_an_empty_code_has_no_colour():
    found = explanation(sizes=(3, 2))
    found["overlap"][0]["counts"] = [[1, 0], [999, 1000], [0, 0]]
    heats = [heat for _, heat, *_ in cells(overlap(found))]
    assert max(heats) < 30
    assert heats[4:] == [0, 0]


def test_a_large_table_gives_way_to_the_pairs_that_stand_out():
    found = explanation(sizes=(40, 30), users=3000)
    counts = found["overlap"][0]["counts"]
    counts[7][9] = 4000
    text = overlap(found)
    assert cells(text) == []
    first = text.split("<tbody>")[1].split("</tr>")[0]
    assert "4,000" in first
    assert first.startswith('<tr><th scope="row">7 ')
