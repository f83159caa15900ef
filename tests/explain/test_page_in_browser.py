"""The page as people get it: opened from disk by a real browser without a window, scripts and all."""

import html
import re
import subprocess

import pytest

from tests.explain.parsed import Parsed
from tests.explain.synthetic import HOSTILE, explanation
from tests.report.test_html_in_browser import BROWSER, FLAGS, PHONE, needs_browser
from userip_lightning.explain.page import explain_page
from userip_lightning.explain.page_frame import explain_frame
from userip_lightning.explain.page_text import user_link

pytestmark = needs_browser


@pytest.fixture(scope="module")
def found():
    return explanation(hostile=True)


@pytest.fixture
def dom(found, tmp_path):
    """What the page is after its scripts and ``script`` ran, opened at ``anchor``."""

    def opened(anchor="", script="", text=None, flags=()):
        page = tmp_path / "explain.html"
        text = explain_page(found) if text is None else text
        page.write_text(text.replace("</body>", f"<script>{script}</script></body>"), encoding="utf-8")
        command = [BROWSER, *FLAGS, *flags, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]
        done = subprocess.run(
            [*command, f"{page.as_uri()}{anchor}"], capture_output=True, text=True, check=True, timeout=60
        )
        return done.stdout

    return opened


def matches(dom):
    """Ids of the users that are listed, and what is said of them."""
    inside = dom.split('id="results"')[1].split("</ul>")[0]
    said = dom.split('id="matches"')[1].split("</p>")[0].split(">")[1]
    return re.findall(r"<bdi>(.*?)</bdi>", inside), said


@pytest.mark.parametrize("number", [0, 1, 2, 4, 7, 20])
def test_a_link_to_a_user_shows_codes_and_evidence_that_adds_up(found, dom, number):
    user = found["users"][number]
    parsed = Parsed(dom(user_link(user["user_id"])))
    assert parsed.faults == []
    assert [title for level, title in parsed.headings if level == 4] == ["Why these codes"]
    told = parsed.text.split("Why these codes")[1].split("How to read this")[0]
    figures = [float(text.replace("−", "-")) for text in re.findall(r"[+−]\d+\.\d{3}|\b0\.000", told)]
    assert len(figures) == 15  # the prior, 12 events, all others, and the total
    assert sum(figures[:-1]) == pytest.approx(figures[-1], abs=0.01)
    assert figures[-1] == pytest.approx(user["evidence"]["total"], abs=1e-3)
    assert found["profiles"][0]["codes"][user["codes"][0]]["label"] in parsed.text.split("Find a user")[1]


@pytest.mark.parametrize("additive", [False, True])
def test_what_adds_up_is_called_odds_where_codes_are_classes_and_else_a_score(dom, additive):
    found = explanation()
    for user in found["users"] if additive else []:
        user["probabilities"] = None
    told = Parsed(dom("#user=5", text=explain_page(found))).text.split("Why these codes")[1]
    told = told.split("How to read this")[0]
    odds = ("The odds are", "log-odds", "share of users with these codes")
    assert [words in told for words in odds] == [not additive] * 3
    total = f"{found['users'][4]['evidence']['total']:.3f}"
    scores = (f"Its score is lower by {total}. Every row below adds to that", "before any event")
    assert [words in told for words in scores] == [additive] * 2


def test_typing_part_of_an_id_lists_the_users_that_have_it(found, dom):
    script = """const query = document.getElementById("query"); query.value = "99";
    query.dispatchEvent(new InputEvent("input", {bubbles: true}));"""
    listed, said = matches(dom(script=script))
    expected = [user["user_id"] for user in found["users"] if "99" in user["user_id"]]
    assert listed[0] == "99"
    assert set(listed) == set(expected)
    assert said == f"{len(expected)} users listed."


def test_the_button_of_a_card_lists_users_of_its_code(found, dom):
    listed, said = matches(dom(script="""document.querySelector("[data-code='1 0']").click()"""))
    ids = [user["user_id"] for user in found["users"] if user["codes"][1] == 0]
    assert said == f"{len(ids)} users match, 12 are listed."
    assert [user for user in listed if user.isdigit()] == [user for user in ids[:12] if user.isdigit()]


def test_an_unknown_user_is_said_to_be_unknown(dom):
    _, said = matches(dom("#user=nobody%20here"))
    assert said.startswith("No user of the sample matches. userip explain EXPERIMENT --user ID")


def test_no_text_of_the_log_runs_or_becomes_an_element(found, dom):
    script = "document.title = String(document.querySelectorAll('img, iframe, main script[src]').length)"
    for text in HOSTILE[:4]:
        page = dom(user_link(text), script=script)
        assert "<title>0</title>" in page
        assert "onerror" not in {key for _, values in Parsed(page).elements for key in values}


def test_the_engine_without_a_table_shows_codes_alone(dom):
    found = explanation(per_user=True)
    page = dom("#user=5", text=explain_page(found))
    assert found["why_no_table"] in page.split('id="user"')[1].split("</article>")[0]
    assert "NaN" not in Parsed(page).text


@pytest.mark.parametrize("profile", [0, 1])
def test_the_map_shows_the_chosen_profile_only(dom, profile):
    script = f"""document.getElementById("by{profile}").checked = true;
    const shown = (layer) => getComputedStyle(layer).display;
    document.title = [...document.querySelectorAll("#map g")].map(shown).join();"""
    shown = ["none", "none"]
    shown[profile] = "inline"
    assert f"<title>{','.join(shown)}</title>" in dom(script=script)


def test_nothing_overflows_on_a_phone(found, dom):
    """A browser window cannot be as narrow as a phone, a frame in it can."""
    chosen = f'<body><script>location.hash = "{user_link(HOSTILE[7])}"</script>'
    inner = html.escape(explain_page(found).replace("<body>", chosen))
    script = (
        "const d = this.contentDocument, e = d.documentElement;"
        "document.body.dataset.widths = [e.scrollWidth, e.clientWidth, d.getElementById('user').hidden]"
    )
    look = f'width="{PHONE}" height="800" style="border: 0"'
    outer = f'<body><iframe {look} srcdoc="{inner}" onload="{script}"></iframe>'
    widths = re.search(r'data-widths="([^"]*)"', dom(text=f"{outer}</body>"))
    assert widths[1] == f"{PHONE},{PHONE},false"


def test_links_of_a_page_in_a_notebook_stay_in_it(found, dom):
    """The frame has an origin of its own, so it tells the page around it what happened."""
    inside = """addEventListener("hashchange", () => parent.postMessage(`${location} ${user.hidden}`, "*"));
    document.querySelector(".typical a").click();"""
    frame = explain_frame(found).replace("&lt;/body&gt;", html.escape(f"<script>{inside}</script></body>"))
    script = "addEventListener('message', (told) => { document.body.dataset.told = told.data; });"
    # Time is counted for a frame in the same process alone.
    flags = ["--virtual-time-budget=3000", "--disable-features=IsolateSandboxedIframes"]
    page = dom(text=f"<body><script>{script}</script>{frame}</body>", flags=flags)
    told = re.search(r'data-told="([^"]*)"', page)
    assert told
    assert re.fullmatch(r"about:srcdoc#user=\S+ false", told[1])
