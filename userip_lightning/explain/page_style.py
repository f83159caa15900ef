"""Look of the codes, in addition to that of every report."""

#: Colours of marks: those of ``drawing.LINES`` in the light theme, and counterparts in the dark one.
STYLE = """
:root { --c0: #2563c9; --c1: #b45f06; --c2: #7a4fa3; --c3: #1b8a5a; --c4: #c2314f; --c5: #0e8a99;
  --c6: #8a7a14; --c7: #1b1e24; }
@media (prefers-color-scheme: dark) { :root { --c0: #7fabff; --c1: #eda75a; --c2: #c3a1e6; --c3: #63c996;
  --c4: #f2879a; --c5: #5cc8d6; --c6: #d3c04e; --c7: #e6e8ec; } }
a { color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
code { font-size: .92em; background: var(--band); padding: .1em .3em; border-radius: .2rem;
  overflow-wrap: anywhere; }
code span { white-space: nowrap; }
.mark { width: .8em; height: .8em; margin-right: .4em; flex: none; overflow: visible; }
.bar { background: var(--band); border-radius: 2px; }
.bar::before { content: ""; display: block; width: var(--width); height: 100%;
  border-radius: 2px; background: var(--accent); }
.glance th[scope=row] { font-weight: 400; white-space: normal; min-width: 9rem; overflow-wrap: anywhere; }
.glance th[scope=row] a { color: inherit; text-decoration: none; display: flex; align-items: baseline; }
.glance th[scope=row] a:hover bdi { text-decoration: underline; }
.glance b { font-weight: 650; margin-right: .3em; }
.glance .group th { position: static; font-size: .85rem; white-space: normal; }
.glance .group b { color: var(--ink); }
.glance { max-width: 58rem; }
.heat { width: fit-content; max-width: 100%; }
td .bar { display: inline-block; width: 8rem; height: .6rem; margin-right: .4rem; }
td .bar + span { display: inline-block; min-width: 3.6rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(21rem, 100%), 1fr)); gap: 1rem;
  margin-top: 1.25rem; align-items: start; }
.cards + p { margin-top: 2rem; }
@media (min-width: 64rem) { .cards:has(> :nth-child(4):last-child) { grid-template-columns: 1fr 1fr; } }
.card { border: 1px solid var(--rule); border-radius: .5rem; padding: 1rem 1.1rem; min-width: 0;
  scroll-margin-top: 1rem; overflow-wrap: anywhere; }
.card:target { border-color: var(--accent); box-shadow: 0 0 0 1px var(--accent); }
.card.empty { background: var(--band); color: var(--muted); }
.card h3, .card h4 { font-size: 1.05rem; margin: 0 0 .2rem; line-height: 1.35; }
.card h3 b, .card h4 b { margin-right: .2em; }
section > h3 { margin: 2rem 0 .25rem; }
.facts { color: var(--muted); font-size: .85rem; margin: 0 0 .5rem; font-variant-numeric: tabular-nums; }
.facts b { color: var(--ink); font-weight: 600; }
.card > .bar { height: .3rem; margin: 0 0 .8rem; }
.items th, .items td { padding: .22rem 0 .22rem .7rem; }
.items th:first-child, .items td:first-child { padding-left: 0; position: static; }
.items td:first-child { white-space: normal; }
.items thead th { font-weight: 400; color: var(--muted); min-width: 0; white-space: nowrap; }
.items td:nth-child(2) { font-weight: 600; width: 4.2rem; }
.items td:nth-child(3) { width: 5.6rem; }
.items tbody tr + tr td { border-top: 1px solid var(--rule); }
summary { cursor: pointer; color: var(--accent); font-size: .82rem; padding: .3rem 0; }
.words { font-size: .85rem; margin: .8rem 0 0; }
.words dt, .typical span { color: var(--muted); font-size: .78rem; display: block; }
.words dd { margin: 0 0 .45rem; }
.typical { font-size: .85rem; margin: .8rem 0 0; }
.typical small { color: var(--muted); }
.card button { font: inherit; font-size: .82rem; color: var(--accent); background: none; border: 0;
  padding: .3rem 0; margin: .3rem 0 0; cursor: pointer; text-align: left; }
.card button[hidden] { display: none; }
.map { margin-top: 1rem; }
.map { display: grid; gap: 0 2.5rem; grid-template-columns: minmax(0, 46rem) minmax(12rem, 1fr); }
.map > fieldset, .map > details, .legend.many { grid-column: 1 / -1; }
.map svg#map { background: var(--band); border-radius: .5rem; touch-action: manipulation; }
.map figcaption { margin: .5rem 0 0; }
.map path { opacity: .8; }
.map text { font-size: calc(16 * var(--unit)); font-weight: 700; text-anchor: middle;
  dominant-baseline: central;
  fill: var(--ink); stroke: var(--band); stroke-width: calc(5 * var(--unit));
  stroke-linejoin: round; paint-order: stroke;
  pointer-events: none; }
#here { fill: none; stroke: var(--ink); stroke-width: calc(2.5 * var(--unit)); }
#here[hidden] { display: none; }
#hover { display: block; color: var(--ink); min-height: 1.55em; }
.by-choice { border: 0; padding: 0; margin: 0 0 .8rem; display: flex; flex-wrap: wrap; gap: .3rem 1.2rem;
  font-size: .9rem; }
.by-choice legend { float: left; margin-right: 1rem; color: var(--muted); padding: 0; }
.by-choice input { accent-color: var(--accent); }
.legend { list-style: none; padding: 0; margin: 0; font-size: .85rem; columns: 12rem; column-gap: 2rem; }
.legend li { display: flex; align-items: baseline; break-inside: avoid; overflow-wrap: anywhere;
  margin-bottom: .3rem; }
.legend b { margin-right: .3em; }
.heat th { font-weight: 400; white-space: normal; max-width: 14rem; overflow-wrap: anywhere; }
.heat thead th span { display: block; color: var(--muted); font-size: .92em; min-width: 5rem; }
.heat tbody th b, .heat thead th b { font-weight: 650; }
.heat td { --tone: var(--accent); }
.heat td.less { --tone: var(--control); }
.heat td[style] { background: color-mix(in srgb, var(--tone) calc(.45 * var(--heat)), var(--paper)); }
.heat td small { display: block; color: inherit; opacity: .8; }
td.text, th.text { text-align: left; white-space: normal; }
#search { display: flex; flex-wrap: wrap; gap: .8rem; margin: 1rem 0 .6rem; }
#search[hidden] { display: none; }
#search label { font-size: .82rem; color: var(--muted); display: block; min-width: 0; }
#search .query { flex: 1 1 16rem; max-width: 26rem; }
#search input, #search select { display: block; width: 100%; font: inherit; font-size: 1rem;
  color: var(--ink); background: var(--paper); border: 1px solid var(--muted); border-radius: .35rem;
  padding: .45rem .6rem; margin-top: .15rem; max-width: 100%; }
#search label:not(.query) { flex: 0 1 13rem; }
#results { list-style: none; padding: 0; margin: 0; display: grid; gap: .4rem;
  grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); }
#results a { display: block; border: 1px solid var(--rule); border-radius: .35rem; padding: .4rem .7rem;
  text-decoration: none; overflow-wrap: anywhere; line-height: 1.35; }
#results a:hover { border-color: var(--accent); }
#results small { display: block; color: var(--muted); }
#user { margin-top: 1.5rem; padding-top: 1.2rem; border-top: 1px solid var(--ink); max-width: 58rem;
  scroll-margin-top: .5rem; overflow-wrap: anywhere; }
#user h3 { font-size: 1.2rem; margin: 0 -.35rem; padding: 0 .35rem;
  width: fit-content; max-width: 100%; }
#user h4 { font-size: 1rem; margin: 1.6rem 0 .3rem; }
#user th[scope=row] { font-weight: 400; white-space: normal; position: static; }
#user .codes { width: auto; }
#user .codes th { white-space: nowrap; overflow-wrap: normal; }
.evidence { table-layout: fixed; }
.evidence th:first-child { width: 46%; }
.evidence th:last-child { width: 5rem; }
.evidence th small { color: var(--muted); margin-left: .5em; white-space: nowrap; }
.evidence .step { position: relative; }
.evidence tbody .step::before { content: ""; position: absolute; left: var(--zero); top: 0; bottom: 0;
  border-left: 1px solid var(--muted); }
.evidence i { position: absolute; top: calc(50% - .35rem); height: .7rem; min-width: 2px; border-radius: 1px;
  background: var(--accent); }
.evidence i.against { background: var(--control); }
.evidence .total th, .evidence .total td { border-top: 1px solid var(--ink); font-weight: 650; }
@media (max-width: 40rem) {
  .wide { display: none; }
  td .bar { display: none; }
  td .bar + span { min-width: 0; }
  .glance th[scope=row] { min-width: 0; }
  .map { grid-template-columns: minmax(0, 1fr); gap: .9rem; }
  .map text { font-size: calc(26 * var(--unit)); stroke-width: calc(8 * var(--unit)); }
  .evidence th:first-child { width: 46%; padding-right: 1rem; }
  .evidence th:last-child, .evidence td:last-child { width: 4.4rem; padding: .3rem 0; }
}
@media print {
  .card, .map figure, .heat, h3 { break-inside: avoid; }
  h2, h3, .caption { break-after: avoid; }
  .cards { grid-template-columns: 1fr 1fr; }
  details::details-content { content-visibility: visible; block-size: auto; }
  #search, #matches, #results, .by-choice, .card button, summary { display: none; }
  #users:has(#user[hidden]) { display: none; }
}
"""
