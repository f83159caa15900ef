"""The HTML report as people get it: opened from disk by a real browser without a window."""

import html
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from matplotlib.image import imread

from userip_lightning.report.sheet import block_sheet
from userip_lightning.report.study import write_study

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
PHONE = 390  # CSS pixels

needs_browser = pytest.mark.skipif(BROWSER is None, reason="no chromium or google-chrome on this machine")


@pytest.fixture(scope="module")
def report(small_study, absent, runs_root, tmp_path_factory):
    """The page, with every kind of section, and the study that it shows."""
    folder = tmp_path_factory.mktemp("reports") / "table2"
    study = write_study(
        folder,
        [*(small_study | absent).values()],
        root=runs_root,
        title="Table 2",
        curves={"DCN": [(0, 0.7, 0.6), (1, 0.71, 0.59)]},
        usage={"hobby": [30, 10, 0]},
        replicates=30,
    )
    return folder / "report.html", study


@pytest.fixture
def browse(tmp_path):
    """Run the browser once, with a profile of its own."""

    def run(page: Path, *arguments: str) -> str:
        command = [BROWSER, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", *arguments, page.as_uri()]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout

    return run


class Cells(HTMLParser):
    """Text of all table cells, row by row."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self._inside = True

    def handle_endtag(self, tag):
        self._inside = self._inside and tag not in ("td", "th")

    def handle_data(self, data):
        if self._inside:
            self.rows[-1][-1] += data


@needs_browser
def test_every_cell_of_the_tables_is_in_the_dom(report, browse):
    page, study = report
    dom = browse(page, "--dump-dom")
    rows = Cells(dom).rows
    sheet = block_sheet(study.blocks[0])
    expected = [[cell.text for cell in row] for group in sheet.groups for row in group.rows]
    assert len(expected) == 10
    assert list(sheet.header) in rows
    assert [row for row in expected if row not in rows] == []
    assert dom.count("<svg") == 2
    for line in (*sheet.verdicts, *sheet.absent, "3 codes, perplexity 1.75"):
        assert html.escape(line, quote=False) in dom


def test_nothing_is_fetched_from_anywhere(report):
    """Also the policy in the page's head forbids it; addresses inside the file itself are fine."""
    page, _ = report
    text = page.read_text()
    assert "default-src 'none'" in text
    assert "http" not in text.replace("http-equiv", "")
    sources = re.findall(r"(?:src|href)=[\"']?([^\"'\s>]*)", text) + re.findall(r"url\(([^)]*)\)", text)
    assert sources
    assert all(source.startswith(("#", "data:")) for source in sources)
    assert "@import" not in text


@needs_browser
def test_a_click_on_a_column_sorts_the_rows_of_every_group(report, browse, tmp_path):
    page, study = report
    click = '<script>document.querySelector("#s1 th:nth-child(2) button").click()</script></body>'
    clicked = tmp_path / "clicked.html"
    clicked.write_text(page.read_text().replace("</body>", click))
    names = [row[0] for row in Cells(browse(clicked, "--dump-dom")).rows]
    for group in ("network", "control"):
        rows = study.table.filter(study.table["group"] == group).sort("auc", descending=True, nulls_last=True)
        shown = [name for name in names if name in set(rows["method"])]
        assert shown == rows["method"].to_list()


@needs_browser
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_is_painted_in_both_themes(report, browse, tmp_path, theme):
    page, _ = report
    if theme == "dark":
        page = tmp_path / "dark.html"
        text = report[0].read_text().replace("prefers-color-scheme: dark", "min-width: 1px")
        page.write_text(text)
    browse(page, "--window-size=1280,1600", f"--screenshot={tmp_path / 'page.png'}")
    picture = imread(tmp_path / "page.png")[..., :3]
    assert picture.shape[:2] == (1600, 1280)
    grey = picture.mean(axis=2)
    background = grey[0, 0]
    assert background > 0.95 if theme == "light" else background < 0.15
    painted = abs(grey - background) > 0.3
    assert 0.01 < painted.mean() < 0.3
    bands = [part.any() for part in painted.reshape(8, -1)]  # text or drawing all the way down
    assert all(bands)


@needs_browser
def test_nothing_overflows_the_page_on_a_phone(report, browse, tmp_path):
    """A browser window cannot be as narrow as a phone, a frame in it can."""
    page, _ = report
    source = html.escape(page.read_text())
    probe = tmp_path / "probe.html"
    probe.write_text(
        f'<body><iframe width="{PHONE}" height="800" style="border:0" srcdoc="{source}" onload="'
        "const d = this.contentDocument, s = d.querySelector('#s1 .scroll');"
        "document.body.dataset.widths = [d.documentElement.scrollWidth, d.documentElement.clientWidth,"
        " s.scrollWidth > s.clientWidth, d.querySelector('figure').getBoundingClientRect().right]"
        '"></iframe></body>'
    )
    found = re.search(r'data-widths="([^"]*)"', browse(probe, "--dump-dom", "--window-size=800,900"))
    content, room, table_scrolls, figure_end = found[1].split(",")
    assert (int(content), int(room)) == (PHONE, PHONE)
    assert table_scrolls == "true"  # the wide table moves inside its own frame
    assert float(figure_end) <= PHONE
