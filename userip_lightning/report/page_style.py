"""Look and sorting of the HTML report: no font, image, style or script from anywhere else."""

#: Colours are those of ``drawing.py`` in the light theme, and readable counterparts in the dark one.
STYLE = """
:root { color-scheme: light dark;
  --paper: #ffffff; --ink: #1b1e24; --muted: #666d7a; --rule: #e2e5ea; --band: #f6f7f9; --accent: #2563c9;
  --control: #b45f06; --reference: #7a4fa3; --good: #1b7f4d; --bad: #b3263f; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #14161a; --ink: #e6e8ec; --muted: #9aa2b1; --rule: #2c313a; --band: #1b1e24; --accent: #7fabff;
  --control: #eda75a; --reference: #c3a1e6; --good: #63c996; --bad: #f2879a; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans",
  sans-serif; }
main { max-width: 84rem; margin: 0 auto; padding: 2.5rem clamp(1rem, 4vw, 3rem) 4rem; }
h1 { font-size: clamp(1.6rem, 1.1rem + 2vw, 2.3rem); line-height: 1.2; letter-spacing: -0.02em;
  margin: 0 0 1.25rem; text-wrap: balance; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; line-height: 1.3; letter-spacing: -0.01em; margin: 0 0 .25rem;
  overflow-wrap: anywhere; }
h3 { font-size: 1rem; margin: 0 0 .5rem; }
p { margin: 0 0 .75rem; max-width: 46rem; }
section { margin-top: 3.25rem; scroll-margin-top: 1rem; }
.caption, .below, .notes { color: var(--muted); font-size: .9rem; }
nav { display: flex; flex-wrap: wrap; gap: .4rem; margin: 0 0 1.5rem; }
nav a { color: var(--accent); text-decoration: none; font-size: .85rem; padding: .15rem .7rem;
  border: 1px solid var(--rule); border-radius: 999px; overflow-wrap: anywhere; }
nav a:hover { border-color: var(--accent); }
.verdicts { list-style: none; margin: .75rem 0 1rem; padding: .8rem 1.1rem; background: var(--band);
  border-left: 3px solid var(--accent); border-radius: 0 .4rem .4rem 0; }
.verdicts li { max-width: 60rem; overflow-wrap: anywhere; }
.verdicts li + li { margin-top: .35rem; color: var(--muted); font-size: .92rem; }
.scroll { overflow-x: auto; margin: 1rem 0; border-top: 1px solid var(--ink);
  border-bottom: 1px solid var(--ink); }
table { border-collapse: collapse; width: 100%; font-size: .82rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .55rem; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0; position: sticky; left: 0;
  background: var(--paper); }
thead th { font-weight: 600; white-space: normal; min-width: 3.5rem; }
thead th, thead td { vertical-align: bottom; border-bottom: 1px solid var(--rule); }
td small { color: var(--muted); font-size: .88em; font-weight: 400; }
thead button { all: unset; cursor: pointer; }
thead button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
thead [aria-sort=ascending] button::after { content: " ↑"; }
thead [aria-sort=descending] button::after { content: " ↓"; }
tbody .group th { font-weight: 500; color: var(--muted); font-size: .78rem; padding-top: 1rem; }
tbody tr:hover td { background: var(--band); }
td.none { color: var(--muted); }
td.sentence { white-space: normal; text-align: left; vertical-align: top; min-width: 18rem; }
td a { color: var(--accent); }
td.up { color: var(--good); } td.down { color: var(--bad); }
td u { text-underline-offset: .2em; text-decoration-thickness: 1px; }
.below { margin: .5rem 0; padding-left: 1.1rem; max-width: 60rem; overflow-wrap: anywhere; }
.figures { display: flex; flex-wrap: wrap; gap: 2rem; margin-top: 1.5rem; }
figure { margin: 0; flex: 0 1 33rem; min-width: 0; width: 100%; }
figure svg { display: block; width: 100%; height: auto; font-family: inherit; }
figcaption { color: var(--muted); font-size: .85rem; margin-bottom: .4rem; }
.usage { display: flex; flex-wrap: wrap; gap: 2rem; margin-top: 1rem; }
.usage div { flex: 1 1 17rem; max-width: 26rem; }
.usage dl { display: grid; grid-template-columns: auto 1fr auto; gap: .25rem .6rem; align-items: center;
  margin: 0; font-size: .85rem; font-variant-numeric: tabular-nums; }
.usage dt { color: var(--muted); }
.usage dd { margin: 0; }
.usage .bar { background: var(--band); border-radius: 2px; }
.usage .bar::before { content: ""; display: block; width: var(--width); height: .7rem; border-radius: 2px;
  background: var(--accent); }
.notes { padding-left: 1.1rem; max-width: 52rem; }
.notes li { margin-bottom: .5rem; }
@media print { nav { display: none; } .scroll { overflow: visible; } }
"""

#: A click on a column's name sorts the rows inside every group by the first number of their cells.
SCRIPT = """
for (const button of document.querySelectorAll("thead button")) {
  button.addEventListener("click", () => {
    const head = button.closest("th"), column = head.cellIndex;
    const up = head.getAttribute("aria-sort") === "descending";
    for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const value = (row) => {
      const text = row.cells[column].textContent;
      const number = Number.parseFloat(text.replace("<", ""));
      return Number.isNaN(number) || column === 0 ? text : number;
    };
    const compare = (a, b) => {
      const [x, y] = [value(a), value(b)], numeric = typeof x === "number";
      if (numeric !== (typeof y === "number")) return numeric ? -1 : 1;
      return (numeric ? x - y : x.localeCompare(y)) * (up ? 1 : -1);
    };
    for (const body of head.closest("table").tBodies) {
      body.append(...[...body.rows].filter((row) => row.className !== "group").sort(compare));
    }
  });
}
"""
