// The style sheet of the page. Blue and orange differ for every kind of colour vision; contrast of text is at least 4.5 in light and dark.

export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #fff; --ink: #1b1f24; --soft: #59636e; --line: #dfe3e8; --grid: #e9ecef; --card: #f5f7f9;
  --up: #0f62ac; --down: #b54708; --free: #6b7480;
  --v1: #d9a114; --v2: #b0853f; --v3: #85696a; --v4: #5c4d90; --v5: #3424a8;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #13161a; --ink: #e9ecf0; --soft: #a3adb8; --line: #2c333b; --grid: #242a31; --card: #1b2026;
    --up: #68b1f5; --down: #f59a56; --free: #98a2ae;
    --v1: #f5c73d; --v2: #d3ad6c; --v3: #b39a9d; --v4: #9790d3; --v5: #8183ff;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 Inter, -apple-system, BlinkMacSystemFont, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  overflow-wrap: anywhere;
}
main, header.top, footer { max-width: 1112px; margin: 0 auto; padding: 0 24px; }
header.top { padding-top: 56px; }
a { color: var(--up); text-underline-offset: 2px; }
:focus-visible { outline: 2px solid var(--up); outline-offset: 3px; }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 16px; top: 12px; background: var(--page); padding: 4px 8px; }
p { margin: 0 0 12px; max-width: 68ch; }
.eyebrow { font-size: 13px; font-weight: 600; letter-spacing: .02em; color: var(--soft); margin: 0 0 8px; }
h1 { font-size: 40px; line-height: 1.12; letter-spacing: -.022em; font-weight: 700; margin: 0 0 16px; max-width: 22ch; text-wrap: balance; }
h2 { font-size: 27px; line-height: 1.2; letter-spacing: -.016em; font-weight: 680; margin: 0 0 12px; max-width: 34ch; text-wrap: balance; }
h3 { font-size: 16px; line-height: 1.35; font-weight: 650; margin: 0 0 4px; }
.lede { font-size: 19px; line-height: 1.5; color: var(--soft); max-width: 62ch; }
.note { font-size: 14px; color: var(--soft); }
nav { margin: 28px 0 0; font-size: 14px; }
nav ul { display: flex; flex-wrap: wrap; gap: 4px 20px; list-style: none; margin: 0; padding: 0; }
nav a { text-decoration: none; } nav a:hover { text-decoration: underline; }
.facts { display: grid; grid-template-columns: repeat(4, 1fr); gap: 0; margin: 32px 0 0; border-top: 1px solid var(--ink); padding: 0; }
.facts div { padding: 14px 20px 4px 0; display: flex; flex-direction: column; }
.facts dt { order: 2; font-size: 14px; line-height: 1.4; color: var(--soft); }
.facts dd { order: 1; margin: 0 0 4px; font-size: 28px; line-height: 1.2; font-weight: 650; letter-spacing: -.02em; font-variant-numeric: tabular-nums; }
.facts small { font-size: 16px; font-weight: 500; letter-spacing: 0; }
section { margin-top: 72px; padding-top: 20px; border-top: 1px solid var(--line); }
.panels { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 332px), 1fr)); gap: 36px 24px; margin-top: 28px; align-items: start; }
.panels > figure { display: grid; grid-template-rows: subgrid; grid-template-columns: minmax(0, 1fr); grid-row: span 3; gap: 0; }
.split { display: grid; grid-template-columns: minmax(0, 1fr) 700px; gap: 24px 40px; align-items: start; }
.beside { display: grid; grid-template-columns: 340px minmax(0, 480px); gap: 28px 72px; margin-top: 28px; align-items: start; }
.beside table { width: 100%; }
.split + .split { margin-top: 48px; }
.split.even { grid-template-columns: minmax(0, 1fr) 340px; gap: 24px 72px; }
figure { margin: 0; min-width: 0; }
figcaption { margin-bottom: 10px; }
figcaption:empty { display: none; }
figcaption p { font-size: 14px; line-height: 1.45; color: var(--soft); margin: 0; }
.name { font-weight: 600; }
h1 .name, h2 .name { font-weight: inherit; color: var(--up); }
.driver { display: grid; grid-template-columns: minmax(0, 1fr) 340px 340px; gap: 16px 32px; border-top: 1px solid var(--line); padding: 24px 0 28px; align-items: start; }
.driver h3 { font-size: 20px; letter-spacing: -.01em; }
.driver .finding { margin: 8px 0; }
.driver .promise { margin: 6px 0; }
.driver > .none { font-size: 14px; color: var(--soft); align-self: center; }
svg.plot { display: block; max-width: 100%; height: auto; overflow: visible; font-family: inherit; font-variant-numeric: tabular-nums; color: var(--ink); }
svg.plot text { white-space: pre; }
.dots { fill: none; stroke: var(--free); stroke-width: 3.4px; stroke-linecap: round; stroke-opacity: .62; }
.small { display: none; }
.tag { display: inline-block; font-size: 13px; line-height: 1.3; padding: 2px 8px; border-radius: 99px; border: 1px solid currentColor; color: var(--free); }
.tag.increasing { color: var(--up); } .tag.decreasing { color: var(--down); }
.key { display: flex; flex-wrap: wrap; gap: 4px 18px; list-style: none; padding: 0; margin: 10px 0 0; font-size: 13px; color: var(--soft); }
.key li { display: flex; align-items: center; gap: 6px; }
.key i { width: 10px; height: 10px; border-radius: 50%; background: var(--free); flex: none; }
.key.lead { margin: 4px 0 24px; }
.key i.increasing { background: var(--up); } .key i.decreasing { background: var(--down); }
.key i.ramp { width: 60px; border-radius: 5px; background: linear-gradient(90deg, var(--v1), var(--v2), var(--v3), var(--v4), var(--v5)); }
.key i.line { height: 3px; width: 22px; border-radius: 0; background: var(--up); }
.key i.dash { height: 0; width: 22px; border-radius: 0; background: none; border-top: 2px dashed var(--ink); }
.key i.thin { height: 1px; width: 22px; border-radius: 0; background: var(--free); }
details { margin-top: 12px; font-size: 14px; }
summary { cursor: pointer; color: var(--soft); width: fit-content; }
summary:hover { color: var(--ink); }
.scroll { overflow-x: auto; margin-top: 8px; }
table { border-collapse: collapse; font-size: 14px; line-height: 1.4; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); padding: 0 0 6px; }
th, td { text-align: left; vertical-align: baseline; padding: 6px 20px 6px 0; border-bottom: 1px solid var(--line); font-weight: 400; max-width: 340px; overflow-wrap: break-word; }
th:last-child, td:last-child { padding-right: 0; }
thead th { color: var(--soft); border-bottom-color: var(--soft); }
th.n, td.n { text-align: right; }
td.n { white-space: nowrap; }
tr.group th { color: var(--soft); padding-top: 16px; }
tr.main th, tr.main td { font-weight: 650; }
.scores { margin-top: 28px; }
.scores table { font-size: 15px; }
.scores :is(th, td):not(:last-child) { padding-right: 28px; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 16px; overflow-x: auto; font: 13px/1.6 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; margin: 8px 0 0; overflow-wrap: normal; }
code { font: .92em ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.code { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 24px; margin-top: 20px; }
ul.plain { padding-left: 18px; margin: 0 0 12px; max-width: 68ch; }
ul.plain li { margin-bottom: 6px; }
.statement { border-left: 3px solid var(--up); padding-left: 16px; }
footer { margin-top: 80px; padding-top: 20px; padding-bottom: 56px; font-size: 14px; color: var(--soft); }
@media (max-width: 1100px) {
  .split { grid-template-columns: minmax(0, 1fr); }
  .driver { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .driver > div:first-child { grid-column: 1 / -1; }
}
@media (max-width: 720px) {
  header.top { padding-top: 32px; }
  main, header.top, footer { padding-left: 20px; padding-right: 20px; }
  h1 { font-size: 30px; } h2 { font-size: 23px; } .lede { font-size: 17px; }
  .facts { grid-template-columns: repeat(2, 1fr); }
  .facts dd { font-size: 24px; }
  section { margin-top: 52px; }
  .driver, .split.even, .beside { grid-template-columns: minmax(0, 1fr); }
  :is(th, td):not(:last-child), .scores :is(th, td):not(:last-child) { padding-right: 12px; }
  .scores table { font-size: 14px; }
  .code { grid-template-columns: minmax(0, 1fr); }
  .large { display: none; } .small { display: block; }
}
@media print {
  @page { margin: 16mm 14mm; }
  body { font-size: 10.5pt; }
  main, header.top, footer { max-width: none; padding-left: 0; padding-right: 0; }
  header.top { padding-top: 0; }
  footer { margin-top: 28px; padding-bottom: 0; }
  nav, .skip, details { display: none; }
  h1 { font-size: 24pt; } h2 { font-size: 16pt; } .lede { font-size: 12pt; }
  section { margin-top: 26px; padding-top: 12px; }
  p { orphans: 3; widows: 3; }
  .large { display: block; } .small { display: none; }
  .facts { grid-template-columns: repeat(4, 1fr); }
  .split { grid-template-columns: minmax(0, 1fr); gap: 10px; }
  .split.even { grid-template-columns: minmax(0, 1fr); }
  .split.even svg { max-width: 70%; }
  .panels { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 24px 20px; }
  .panels > figure { display: block; grid-row: auto; }
  .driver { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 4px 20px; padding: 10px 0 6px; }
  .driver h3, .driver .promise { display: inline-block; margin: 0 10px 0 0; }
  .driver .finding, .driver .note { font-size: 9.5pt; margin: 3px 0 0; max-width: none; }
  figure svg.plot { margin-bottom: 0; }
  .driver > div:first-child { grid-column: 1 / -1; }
  pre { white-space: pre-wrap; font-size: 8pt; padding: 10px; }
  figure, .driver, tr, .facts, pre, h1, h2, h3, figcaption { break-inside: avoid; }
  table, .scores table { font-size: 9pt; }
  th, td { padding-top: 3px; padding-bottom: 3px; }
  .beside { break-inside: avoid; }
  .eyebrow, h2, h3, figcaption, .lede { break-after: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
