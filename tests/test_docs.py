"""Every page of docs/ is in the navigation, every link leads somewhere, every configuration is shown."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml

from site_hooks import figures, link_names
from site_hooks.configs import CONFIGS, shown
from site_hooks.roles import on_page_content

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
TEXTS = [*PAGES, *sorted(ROOT.glob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")


def named(nav: list | dict | str) -> Iterator[str]:
    """The pages of a navigation."""
    if isinstance(nav, str):
        yield nav
        return
    for part in nav.values() if isinstance(nav, dict) else nav:
        yield from named(part)


def prose(file: Path) -> str:
    """A text without blocks of code and code in a line."""
    text = re.sub(r"^```.*?^```", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", "`code`", text)


def anchors(file: Path) -> set[str]:
    """Of a page's headings, as GitHub and the site make them; headings in blocks of code are none."""
    text = re.sub(r"^```.*?^```", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    words = (re.sub(r"\]\([^)]*\)", "", heading) for heading in headings)
    return {re.sub(r"[^\w\- ]", "", word).strip().lower().replace(" ", "-") for word in words}


def test_every_page_is_in_the_navigation_once():
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    assert sorted(named(nav)) == [str(page.relative_to(DOCS)) for page in PAGES]


@pytest.mark.parametrize("file", TEXTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_link_and_anchor_leads_somewhere(file):
    lost = []
    for link in LINK.findall(prose(file)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = file.parent / path if path else file
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert lost == []


@pytest.mark.parametrize("page", PAGES, ids=lambda file: str(file.relative_to(DOCS)))
def test_a_page_links_to_nothing_outside_the_site(page):
    links = [link for link in LINK.findall(prose(page)) if not re.match(r"[a-z]+:|#", link)]
    assert [link for link in links if DOCS not in (page.parent / link).resolve().parents] == []


@pytest.mark.parametrize("page", TEXTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_lists_and_tables_begin_after_a_blank_line(page):
    """Elsewhere the site would show them as a paragraph."""
    lines = prose(page).splitlines()
    begins = re.compile(r"(- |\* |\d+\. |\|)")
    inside = re.compile(r"(- |\* |\d+\. |\||\s|#|$)")
    pairs = pairwise(lines)
    lost = [here for above, here in pairs if begins.match(here) and not inside.match(above)]
    assert lost == []


def test_every_configuration_is_shown_whole():
    page = shown(CONFIGS)
    files = sorted(CONFIGS.rglob("*.yaml"))
    assert [str(file) for file in files if file.read_text(encoding="utf-8").strip() not in page] == []
    assert page.count("```yaml") == len(files) > 20


def test_roles_of_docstrings_become_code():
    html = "see :class:<code>~a.b.Name</code> and :func:<code>fit</code>, not <code>:x:</code>"
    assert on_page_content(html) == "see <code>Name</code> and <code>fit</code>, not <code>:x:</code>"


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 150


def test_figures_of_a_table_stay_in_one_line():
    cells = '<td style="x">0.78 ± 0.02</td><td>+0.1 [−0.2, +0.4]</td><p>0.78 ± 0.02</p>'
    kept = '<td style="x">0.78&nbsp;±&nbsp;0.02</td><td>+0.1 [−0.2,&nbsp;+0.4]</td><p>0.78 ± 0.02</p>'
    assert figures.on_page_content(cells) == kept


def test_a_file_name_as_link_becomes_the_page_s_title():
    nav = [{"Home": "index.md"}, {"How to": [{"Read your own data": "data.md"}]}]
    shown = link_names.on_page_markdown("[data.md](data.md#ids), [other.md](other.md)", config={"nav": nav})
    assert shown == "[Read your own data](data.md#ids), [other.md](other.md)"
