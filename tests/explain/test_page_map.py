import math
import re

from tests.explain.parsed import Parsed
from tests.explain.synthetic import explanation
from userip_lightning.explain.page_map import drawn_map, frame, map_style
from userip_lightning.explain.page_marks import shape


def test_both_directions_have_one_scale_unless_the_map_is_very_flat():
    square = frame([0, 2], [0, 1.2])
    assert square.across == square.down
    flat = frame([0, 100], [0, 1])
    assert flat.down > flat.across
    (left, bottom), (right, top) = square.at(0, 0), square.at(2, 1.2)
    assert (left, top) == (18, 18)
    assert math.isclose(right, square.width - 18)
    assert math.isclose(bottom, square.height - 18)


def test_every_user_is_drawn_once_per_profile_with_the_mark_of_their_code():
    found = explanation(shown=200)
    text = drawn_map(found)
    for p in range(2):
        layer = text.split(f'<g class="by by{p}">')[1].split("</g>")[0]
        for code in range(found["profiles"][p]["size"]):
            expected = sum(user["codes"][p] == code for user in found["users"])
            assert layer.count(shape(code)) == expected
    assert map_style(2).count(":checked") == 2
    assert map_style(1) == ""


def test_the_table_says_where_each_code_is_and_which_is_nearest():
    found = explanation(sizes=(4,), shown=100)
    for code, place in zip(found["profiles"][0]["codes"], ([0, 0], [1, 0], [9, 9], None), strict=True):
        code["map"] = place
    rows = re.findall(r"<tr><th scope=\"row\">(\d).*?</tr>", text := drawn_map(found))
    assert rows == ["0", "1", "2"]
    cells = [re.findall(r"<td>(.*?)</td>", row) for row in text.split("<tbody>")[1].split("</tr>")[:3]]
    assert [cell[3] for cell in cells] == ["1", "0", "1"]
    assert sum(int(cell[0]) for cell in cells) == 100


def test_labels_at_one_place_are_moved_apart():
    found = explanation(sizes=(4, 3), shown=100)
    for code in found["profiles"][0]["codes"]:
        code["map"] = [0.0, 0.0]
    layer = drawn_map(found).split('<g class="by by0">')[1].split("</g>")[0]
    places = [(float(x), float(y)) for x, y in re.findall(r'<text x="([\d.]+)" y="([\d.]+)"', layer)]
    assert len(places) == 4
    assert min(math.dist(a, b) for i, a in enumerate(places) for b in places[:i]) > 15


def test_one_user_or_users_at_one_place_are_a_map_too():
    found = explanation(shown=3)
    found["map"] |= {"x": [1.0] * 3, "y": [2.0] * 3}
    assert "NaN" not in drawn_map(found)
    assert "nan" not in Parsed(f"<h1>t</h1>{drawn_map(found)}").text
