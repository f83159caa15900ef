import json
import re

import pytest

from tests.explain.parsed import Parsed
from tests.explain.synthetic import HOSTILE, explanation
from userip_lightning.explain.page import explain_page, explain_section
from userip_lightning.explain.page_marks import COLOURS, colour, shape
from userip_lightning.explain.page_style import STYLE
from userip_lightning.report.drawing import LINES
from userip_lightning.report.page import page
from userip_lightning.report.page_style import STYLE as BASE

KINDS = {
    "catalogue": {},
    "per_user": {"per_user": True, "words": False},
    "hostile": {"hostile": True},
    "one profile": {"sizes": (5,)},
    "many codes": {"sizes": (40, 30), "users": 3000},
}


@pytest.fixture(scope="module", params=KINDS)
def found(request):
    return explanation(**KINDS[request.param])


def sample_of(text):
    (data,) = [text for kind, text in Parsed(text).scripts if kind == "application/json"]
    return json.loads(data)


def test_the_page_can_be_read_by_keyboard_and_screen_reader_and_loads_nothing(found):
    text = explain_page(found)
    assert Parsed(text).faults == []
    assert "default-src 'none'" in text
    assert not re.search(r"url\(|@import|https?://", text)


def test_a_report_embeds_the_section_as_well(found):
    section = explain_section(found)
    parsed = Parsed(page("Title", [], [], further=[section]))
    assert parsed.faults == []
    assert section.title in [title for _, title in parsed.headings]
    assert 'id="search"' not in section.html
    assert len(section.html) < len(explain_page(found))


def test_every_code_has_a_card_with_its_figures_and_items():
    found = explanation()
    text = Parsed(explain_page(found)).text
    for profile in found["profiles"]:
        for code in profile["codes"]:
            assert code["label"] in text
            if code["users"]:
                assert f"{code['users']:,} users" in text
                assert f"{100 * code['click_rate']:.1f}\u00a0% liked" in text
                for item in code["items"]:
                    assert item["title"] in text
    assert text.count("Nobody has this code.") == 2
    assert "+0.0831 nats" in text
    assert "1.09 times as likely" in text  # exp(0.0831)


def test_what_is_not_known_is_left_out_and_why_is_said():
    found = explanation(per_user=True, words=False)
    text = Parsed(explain_page(found)).text
    assert not re.search(r"\b(None|nan|NaN|null)\b", text)
    assert found["why_no_words"] in text
    assert found["why_no_table"] in text
    assert "liked" not in text
    assert "sure" not in text.split("Find a user")[1].split("How to read")[0]
    assert sample_of(explain_page(found))["users"][0][4] is None


def test_texts_of_a_log_stay_texts():
    found = explanation(hostile=True)
    text = explain_page(found)
    parsed = Parsed(text)
    assert [kind for kind, _ in parsed.scripts] == ["application/json", None]
    assert {tag for tag, _ in parsed.elements}.isdisjoint({"img", "iframe", "object", "base", "form action"})
    assert HOSTILE[0] in parsed.text
    assert HOSTILE[2] in parsed.text
    (data,) = [told for kind, told in parsed.scripts if kind]
    assert not set(data) & set("<>&")
    assert [user[0] for user in json.loads(data)["users"][: len(HOSTILE)]] == list(HOSTILE)
    assert "\u202e" not in parsed.text
    assert "x" * 200 not in parsed.text


def test_typical_users_are_linked_where_the_page_can_show_them():
    found = explanation(users=500, shown=20)
    shown = {user["user_id"] for user in found["users"]}
    links = {
        v["href"] for tag, v in Parsed(explain_page(found)).elements if tag == "a" and "user=" in v["href"]
    }
    named = {user["user_id"] for p in found["profiles"] for code in p["codes"] for user in code["typical"]}
    assert links == {f"#user={user}" for user in named & shown}
    found["users"][0]["user_id"] = found["profiles"][0]["codes"][0]["typical"][0]["user_id"] = "a/b &c#"
    assert 'href="#user=a%2Fb%20%26c%23"' in explain_page(found)


def test_a_large_log_makes_a_small_file():
    found = explanation(users=50_000, items=16_800, sizes=(12, 9, 6), shown=2000)
    text = explain_page(found)
    assert len(text.encode()) < 3_000_000
    assert "a sample of 2,000 of 50,000 users" in Parsed(text).text
    assert len(sample_of(text)["users"]) == 2000


def test_a_map_of_everybody_is_drawn_as_a_sample():
    text = explain_page(explanation(users=50_000, items=16_800, sizes=(4, 3), shown=50_000, per_user=True))
    assert len(text.encode()) < 3_000_000
    assert "5,000 of 50,000 users are drawn." in Parsed(text).text


def test_no_users_at_all_is_a_page_too():
    found = explanation(shown=0) | {"map": None}
    text = explain_page(found)
    assert Parsed(text).faults == []
    assert "Find a user" not in Parsed(text).text


def test_forty_codes_have_forty_marks_in_the_colours_of_the_figures():
    assert len({(colour(code), shape(code)) for code in range(40)}) == 40
    light = STYLE.split("@media")[0]
    assert len(LINES) == COLOURS
    assert [re.search(rf"--c{i}: (#\w+)", light)[1] for i in range(COLOURS)] == list(LINES)


def test_further_sections_have_links_and_their_style_once():
    section = explain_section(explanation())
    text = page("Title", [], [], further=[section] * 3)
    assert text.count(STYLE) == 1
    assert 'href="#s2"' in text


def colours(theme):
    """Variables of a theme to their lightness as WCAG computes it."""
    text = BASE + STYLE
    parts = re.findall(r"prefers-color-scheme: dark\) \{ :root \{(.*?)\}", text, flags=re.DOTALL)
    if theme == "light":
        parts = re.findall(r"^:root \{(.*?)\}", text, flags=re.DOTALL | re.MULTILINE)
    found = {}
    for key, hexadecimal in re.findall(r"--(\w+): #(\w{6})", " ".join(parts)):
        channels = [int(hexadecimal[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        found[key] = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return found


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_and_marks_stand_out_from_what_is_behind_them(theme):
    shade = colours(theme)
    pairs = {(front, back): 4.5 for front in ("ink", "muted", "accent") for back in ("paper", "band")}
    pairs |= {(f"c{i}", back): 3.0 for i in range(COLOURS) for back in ("paper", "band")}
    for (front, back), least in pairs.items():
        low, high = sorted((shade[front], shade[back]))
        assert (high + 0.05) / (low + 0.05) >= least, (front, back)
