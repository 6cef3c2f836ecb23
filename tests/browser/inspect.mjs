// Looks at a report as a browser has laid it out, and returns what is wrong with it, a sentence each. Runs inside the page: it sees nothing of
// this module but its own body.

/**
 * @param {string} [own] selector of elements that the page has by itself, though data could bring in their like
 * @returns {{ problems: string[], charts: number, tables: number }}
 */
export function inspect(own) {
  const problems = [];
  const seen = (element) => element.checkVisibility?.() ?? element.getClientRects().length > 0;
  const short = (text) => JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
  const width = document.documentElement.clientWidth;

  if (document.documentElement.scrollWidth > width) {
    const wide = [...document.querySelectorAll("body *")].find(
      (e) => seen(e) && e.getBoundingClientRect().right > width + 1 && !e.closest(".scroll, pre"),
    );
    problems.push(
      `the page is ${document.documentElement.scrollWidth} px wide in ${width}: ${wide?.outerHTML.slice(0, 90)}`,
    );
  }
  if (document.querySelectorAll("h1").length !== 1) problems.push("there is not exactly one h1");
  let level = 1;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4")) {
    const own = Number(heading.tagName[1]);
    if (own > level + 1) problems.push(`heading ${short(heading.textContent)} skips a level`);
    level = own;
    if (heading.textContent.trim() === "") problems.push("a heading is empty");
  }
  if (!document.documentElement.lang) problems.push("the page has no language");
  if (!document.title) problems.push("the page has no title");
  for (const link of document.querySelectorAll("a")) {
    const target = link.getAttribute("href");
    if (!target.startsWith("#") || !document.getElementById(target.slice(1)))
      problems.push(`link to ${target} leads nowhere`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) problems.push(`id ${id} stands twice`);

  // what data could have brought in
  for (const bad of document.querySelectorAll(
    "script, img, iframe, object, embed, link, form, base, image, use, foreignObject",
  ))
    if (!own || !bad.matches(own)) problems.push(`there is a <${bad.tagName.toLowerCase()}>`);
  for (const element of document.querySelectorAll("*")) {
    for (const { name, value } of element.attributes) {
      if (name.startsWith("on")) problems.push(`attribute ${name}`);
      if (/NaN|undefined|Infinity/.test(value) && element.closest("svg") && name !== "aria-label") {
        problems.push(`${element.tagName} has ${name}=${short(value)}`);
      }
    }
  }
  const words = document.body.textContent;
  for (const word of ["NaN", "undefined", "[object", "Infinity", "\\u2068", "null"]) {
    if (words.includes(word)) problems.push(`the text says ${word}`);
  }

  const svgs = [...document.querySelectorAll("svg")].filter(seen);
  for (const svg of svgs) {
    const name = short(svg.getAttribute("aria-label") ?? "");
    const box = svg.getBoundingClientRect();
    if (svg.getAttribute("role") !== "img") problems.push(`chart ${name} has no role`);
    if (!(svg.getAttribute("aria-label")?.length > 10))
      problems.push(`chart ${name} has no text for those who cannot see it`);
    if (box.width < 200 || box.height < 60) problems.push(`chart ${name} is ${box.width} x ${box.height} px`);
    const marks = [...svg.querySelectorAll("path, circle, line, rect")].filter((mark) => {
      if (mark.closest("g[text-anchor]")) return false;
      const { width: w, height: h } = mark.getBoundingClientRect();
      return w + h > 0;
    });
    if (marks.length === 0) problems.push(`chart ${name} is empty`);
    const texts = [...svg.querySelectorAll("text")].filter((text) => text.textContent !== "");
    const boxes = texts.map((text) => text.getBoundingClientRect());
    texts.forEach((text, i) => {
      const a = boxes[i];
      if (a.left < box.left - 2 || a.right > box.right + 2 || a.top < box.top - 4 || a.bottom > box.bottom + 4) {
        problems.push(`label ${short(text.textContent)} leaves chart ${name}`);
      }
      for (let j = 0; j < i; j++) {
        const b = boxes[j];
        const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (across > 1 && down > 2.5) {
          problems.push(
            `labels ${short(texts[j].textContent)} and ${short(text.textContent)} overlap in chart ${name}`,
          );
        }
      }
    });
    const figure = svg.closest("figure");
    if (!figure?.querySelector("details table")) problems.push(`chart ${name} has no table behind it`);
  }
  for (let i = 0; i < svgs.length; i++) {
    const a = svgs[i].getBoundingClientRect();
    for (let j = 0; j < i; j++) {
      const b = svgs[j].getBoundingClientRect();
      const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (across > 1 && down > 1) problems.push(`charts ${i} and ${j} overlap`);
    }
  }
  const tables = [...document.querySelectorAll("table")];
  for (const table of tables) {
    const name = short(table.caption?.textContent ?? "");
    if (!table.caption?.textContent.trim()) problems.push("a table has no caption");
    if (table.querySelectorAll("tbody tr").length === 0) problems.push(`table ${name} has no rows`);
    for (const th of table.querySelectorAll("th"))
      if (!th.scope) problems.push(`table ${name} has a header without a scope`);
    if (!table.closest("[tabindex]")) problems.push(`table ${name} cannot be scrolled by keyboard`);
  }

  // contrast of text (WCAG 2: 4.5 to 1)
  const parse = (text) => (text.match(/[\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => {
    const part = (v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const backOf = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const faint = new Set();
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== "");
    if (!own || !seen(element)) continue;
    const style = getComputedStyle(element);
    const a = light(parse(element.closest("svg") ? style.fill : style.color));
    const b = light(backOf(element));
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) faint.add(`${element.tagName} ${contrast.toFixed(1)}: ${short(element.textContent)}`);
  }
  for (const one of faint) problems.push(`too little contrast: ${one}`);
  return { problems, charts: svgs.length, tables: tables.length };
}
