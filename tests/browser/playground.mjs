// npm run test:playground: the playground in Chromium, as an analyst uses it: a file in, training, a row changed, files out. Needs a build. What a page
// asks for beyond its three files, says on the console or is refused by its policy fails the test. Prints one line a test, then "n passed, m failed".
// Options: --only <part of a name>, --shots <folder> (a PNG of the example's page at every look).

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { CSV } from "../../examples/jobs/study.mjs";
import { serve } from "../../scripts/playground.mjs";
import { launchChromium, listen } from "./chromium.mjs";
import { inspect } from "./inspect.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const built = (name) => import(pathToFileURL(join(root, "dist", name)).href);
const optionOf = (option) => {
  const at = process.argv.indexOf(option);
  return at < 0 ? undefined : process.argv[at + 1];
};
const only = optionOf("--only") ?? "";
const shots = optionOf("--shots");

const { crossValidate, fit, load, stringifyModel } = await built("index.js");
const exporters = await built("export.js");
const browser = await launchChromium();
const { address, close: stop } = await serve();
const folder = mkdtempSync(join(tmpdir(), "isotone-playground-"));
const OWN = 'head > script[src="playground.js"], head > link';

/** Opens the playground; `said` is what it must not have said or asked for. */
async function open({ width = 1280, at = address, workers = true } = {}) {
  const { context, page, said } = await listen(browser, { viewport: { width, height: 900 } });
  page.setDefaultTimeout(60_000);
  const asked = [];
  page.on("request", (request) => {
    if (!request.url().startsWith("blob:")) asked.push(request.url());
  });
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (e) => console.error(`policy: ${e.violatedDirective} ${e.blockedURI}`));
  });
  if (!workers) await page.addInitScript("delete globalThis.Worker");
  await page.goto(at);
  return {
    page,
    said,
    async close() {
      await context.close();
      const files = [at, ...["playground.css", "playground.js"].map((name) => new URL(name, at).href)].sort();
      assert.deepEqual(said, []);
      assert.deepEqual(asked.sort(), files, "requests");
    },
  };
}

const text = (page, selector) => page.locator(selector).textContent();
const give = (page, content, name = "rows.csv") =>
  page.setInputFiles("#file", { name, mimeType: "text/csv", buffer: Buffer.from(content) });
const read = (page) => page.waitForSelector("#columns:not([hidden])");

/** Chooses a role for the column in place c. */
const choose = (page, c, role) => page.locator("#roles select").nth(c).selectOption(role);

/** Trains, and waits for the last chart or a complaint. */
async function train(page, effort = "fast") {
  await page.evaluate((value) => {
    document.getElementById("effort").value = value;
  }, effort);
  await page.click("#train");
  await page.waitForFunction(
    () =>
      document.getElementById("trained").textContent.startsWith("Trained on") ||
      !document.getElementById("untrained").hidden,
  );
  return page.locator("#untrained").textContent();
}

/** The prediction that is shown: the float32 that its text reads back to. */
const prediction = (page) =>
  page.evaluate(() => Math.fround(document.getElementById("prediction").textContent.split(" ")[0]));

/** Types into the field of feature f. */
const type = (page, f, value) => page.fill(`[data-feature="${f}"]`, String(value));

/** What a button hands to the disk. */
async function download(page, name) {
  const [handed] = await Promise.all([page.waitForEvent("download"), page.click(`[data-file="${name}"]`)]);
  assert.equal(handed.suggestedFilename(), name);
  return readFileSync(await handed.path());
}

/** A CSV cell. */
const cell = (value) => `"${String(value).replaceAll('"', '""')}"`;
const csv = (header, rows) => `${[header, ...rows].map((row) => row.map(cell).join(",")).join("\n")}\n`;

const HOSTILE = [
  "<img src=x onerror=alert(1)>",
  "__proto__",
  "</script><script>document.title='broken'</script>",
  "\u202eright to left",
  "constructor",
  "",
];

const LOOKS = [
  { width: 1280, scheme: "light" },
  { width: 380, scheme: "light" },
  { width: 380, scheme: "dark" },
];

/** A bad file, and what the page says of it; with `target` only when trained on. */
const BAD = [
  { content: "", says: "rows.csv is empty: expected a header line" },
  { content: "a,b\n", says: "rows.csv has a header but no rows" },
  { content: "a,a\n1,2\n", says: 'the header has "a" twice (columns 1 and 2)' },
  { content: "a,b\n1,2\n3\n", says: "rows.csv, line 3: 1 cell, but the header has 2 (a, b)" },
  { content: 'a,b\n1,"2\n', says: "a quote is opened and never closed" },
  { content: "a,b\n1,2\n\n3,4\n", says: "rows.csv, line 3 is blank: remove it" },
  { content: Buffer.from([0x61, 0x0a, 0xe9, 0x0a]), says: "rows.csv is not UTF-8 text" },
  {
    content: "a,b\n1,2\n2,3\n3,4\n4,5\n5,7\n6,six\n7,9\n8,9\n",
    target: 1,
    says: 'rows.csv, line 7: "b" is "six", not a number',
  },
  {
    content: "a,b\n1,2\n2,3\n3,4\nfour,5\n5,7\n6,7\n7,9\n",
    target: 1,
    says: 'rows.csv, line 5: "a" is "four", not a number: leave the column out, or make it a category',
  },
  {
    content: "a,b\n1,2\n2,\n3,4\n",
    target: 1,
    says: 'rows.csv, line 3: "b" is empty: fill it in, or leave the row out',
  },
  { content: "a,b\n1,2\n2,2\n3,2\n", target: 1, says: 'target "b" is 2 in every row' },
];

const tests = {
  async "trains on the example, shows its score, and hands out the model that node trains"() {
    const { page, close } = await open();
    await page.click("#example");
    await read(page);
    assert.match(await text(page, "#read"), /jobs\.csv: 2,400 rows, 8 columns/);
    await train(page, "default");
    assert.match(
      await text(page, "#quality-title"),
      /^Predictions of left-out rows are 0\.\d+\sms off on average, \d+ % less than those of the linear fit$/,
    );
    const scores = await text(page, "#quality .scores");
    for (const word of ["this model", "linear fit", "the mean"]) assert.ok(scores.includes(word), word);

    // the prediction and interval of the row in the fields, in node
    const saved = await download(page, "model.json");
    const model = load(saved.toString());
    const row = () =>
      page.evaluate(() => Array.from(document.querySelectorAll("[data-feature]"), ({ value }) => Number(value)));
    const before = await prediction(page);
    assert.equal(model.predict(await row()), before);
    const blocks = model.features.findIndex(({ name }) => name === "blocks");
    const value = (await row())[blocks];
    await type(page, blocks, value + 10);
    const after = await prediction(page);
    assert.ok(after > before, "more work takes longer");
    assert.equal(model.predict(await row()), after);
    const [low, high] = model.predictInterval(await row(), 0.9);
    for (const end of [low, high])
      assert.ok((await text(page, "#interval")).includes(String(Number(end.toPrecision(4)))));
    await type(page, blocks, "");
    assert.match(await text(page, "#try .trouble"), /"blocks" is missing/);
    await type(page, blocks, value);
    assert.equal(await prediction(page), before);

    // the same rows and options in node: the same bytes
    const lines = readFileSync(CSV, "utf8").trim().split("\n");
    const names = lines[0].split(",");
    const table = lines.slice(1).map((line) => line.split(",").map(Number));
    const columns = Object.fromEntries(names.map((name, c) => [name, table.map((cells) => cells[c])]));
    const own = await fit(columns, { target: "ms" });
    assert.equal(`${stringifyModel(own)}\n`, saved.toString());

    // the other files are those of isotone/export
    assert.equal((await download(page, "model.js")).toString(), exporters.toModule(model));
    assert.deepEqual(new Uint8Array(await download(page, "model.wasm")), exporters.toWasm(model));
    assert.deepEqual(new Uint8Array(await download(page, "model.onnx")), exporters.toONNX(model));
    const sql = exporters.toSQL(model, { dialect: "postgresql", table: "jobs" });
    assert.equal((await download(page, "predict.sql")).toString(), `${sql};\n`);
    const report = join(folder, "report.html");
    writeFileSync(report, await download(page, "report.html"));
    await close();
    const reading = await browser.newPage();
    await reading.goto(pathToFileURL(report).href);
    assert.deepEqual((await reading.evaluate(inspect)).problems, []);
    assert.ok((await reading.title()).includes("jobs.csv"));
    await reading.close();
  },

  async "lays its page out for wide and narrow screens, light and dark"() {
    const { page, close } = await open();
    /** What is wrong in every look. */
    async function look(when) {
      for (const { width, scheme } of LOOKS) {
        await page.setViewportSize({ width, height: 900 });
        await page.emulateMedia({ colorScheme: scheme });
        assert.deepEqual((await page.evaluate(inspect, OWN)).problems, [], `${when}, ${width} px ${scheme}`);
        if (!shots) continue;
        mkdirSync(shots, { recursive: true });
        await page.screenshot({ path: join(shots, `playground-${when}-${width}-${scheme}.png`), fullPage: true });
      }
    }
    await page.click("#example");
    await read(page);
    await page.evaluate(() => {
      for (const part of document.querySelectorAll("details")) part.open = true;
    });
    await look("before");
    await train(page);
    await look("after");
    await page.evaluate(() => {
      for (const part of document.querySelectorAll("details")) part.open = true;
    });
    await look("open");
    assert.ok((await page.locator("#results svg").count()) > 15);
    await close();
  },

  async "gives of few rows the widest interval that they support, and serves the licences of what it bundles"() {
    const { page, close } = await open();
    const rows = Array.from({ length: 12 }, (_, r) => [r, 3 * r + (r % 3)]);
    await give(page, csv(["a", "y"], rows));
    await read(page);
    await page.selectOption("#target", { index: 2 });
    assert.equal(await train(page), "");
    // the outermost two of 13 gaps are left: 11 / 13
    assert.match(await text(page, "#interval"), /^84 % of rows like this lie between \S+ and \S+\.$/);
    await close();
    const licences = await fetch(new URL("THIRD-PARTY.txt", address));
    assert.equal(await licences.text(), readFileSync(join(root, "build/playground/THIRD-PARTY.txt"), "utf8"));
  },

  async "keeps hostile names text, and to the directions that were chosen"() {
    const words = ["<b>bold</b>", "ok", "</select>"];
    const rows = Array.from({ length: 90 }, (_, r) => {
      const values = HOSTILE.map((_, f) => (r * (f + 3)) % 17);
      return [...values, words[r % 3], values[0] - values[1] + (r % 3)];
    });
    const { page, close } = await open({ width: 380 });
    await give(page, csv([...HOSTILE, "<i>word</i>", "</title><h1>y</h1>"], rows), "<img src=x onerror=alert(2)>.csv");
    await read(page);
    await choose(page, 0, "increasing");
    await choose(page, 1, "decreasing");
    await page.selectOption("#target", { index: HOSTILE.length + 2 });
    assert.equal(await train(page), "");
    const { problems } = await page.evaluate(inspect, OWN);
    assert.deepEqual(problems, []);
    assert.equal(await page.title(), "isotone playground");
    assert.ok((await text(page, "#try")).includes(HOSTILE[0]));
    const model = load((await download(page, "model.json")).toString());
    assert.deepEqual(
      model.features.map(({ name }) => name),
      [...HOSTILE, "<i>word</i>"],
    );
    for (const [f, sign] of [
      [0, 1],
      [1, -1],
    ]) {
      await type(page, f, 2);
      const low = await prediction(page);
      await type(page, f, 14);
      assert.ok(sign * ((await prediction(page)) - low) > 0, model.features[f].name);
    }
    await close();
  },

  async "says which line of a bad file is wrong, and how to mend it"() {
    const { page, close } = await open();
    for (const { content, target, says } of BAD) {
      await give(page, content);
      if (target !== undefined) {
        await read(page);
        await page.selectOption("#target", { index: target + 1 });
        const complaint = await train(page);
        assert.ok(complaint.includes(says), `${JSON.stringify(complaint)} says ${says}`);
        assert.ok(await page.isHidden("#results"));
        continue;
      }
      await page.waitForSelector("#unread:not([hidden])");
      assert.ok((await text(page, "#unread")).includes(says), `${await text(page, "#unread")} says ${says}`);
      assert.ok(await page.isHidden("#columns"));
    }
    await close();
  },

  async "reads semicolons, gzip and words that mean a missing value"() {
    const lines = Array.from(
      { length: 60 },
      (_, r) => `${r % 7 === 0 ? "NA" : r % 11};${r % 5 === 0 ? "" : "abc"[r % 3]};${r % 11}`,
    );
    const { page, close } = await open();
    await give(page, gzipSync(`\ufeffx;word;y\n${lines.join("\n")}\n`));
    await read(page);
    assert.match(await text(page, "#read"), /60 rows, 3 columns, separated by semicolons/);
    await page.selectOption("#target", { label: "y" });
    assert.match(await train(page), /"x" is "NA": if that means missing, name the word under/);
    await page.getByRole("button", { name: "“NA” means missing" }).click();
    await page.waitForFunction(() => document.getElementById("roles").textContent.includes("9 empty cells: allowed"));
    assert.equal(await page.inputValue("#na"), "NA");
    assert.equal(await page.locator("button.means").count(), 0);
    assert.equal(await text(page, "#outcome"), "");
    await page.evaluate(() => {
      document.querySelector("#table details").open = true;
    });
    await page.fill("#na", "NA, -");
    await page.press("#na", "Tab");
    await page.waitForFunction(() => document.getElementById("roles").textContent.includes("9 empty cells: allowed"));
    assert.equal(await page.locator("#target option:checked").textContent(), "y", "choices stay");
    await choose(page, 0, "increasing");
    assert.equal(await train(page), "");
    const model = load((await download(page, "model.json")).toString());
    assert.deepEqual(
      model.features.map(({ name, constraint, missing }) => [name, constraint, missing]),
      [
        ["x", "increasing", "median"],
        ["word", "free", "indicator"],
      ],
    );
    await type(page, 0, "");
    assert.ok(Number.isFinite(await prediction(page)));
    await close();
  },

  async "counts rows by their weight, and cross-validates as node does"() {
    const rows = Array.from({ length: 90 }, (_, r) => [
      r % 11,
      (r * 5) % 7,
      r % 3,
      (r % 11) + 2 * ((r * 5) % 7) + (r % 4),
    ]);
    const { page, close } = await open();
    await give(page, csv(["a", "b", "w", "y"], rows));
    await read(page);
    await page.selectOption("#target", { label: "y" });
    await page.selectOption("#weight", { label: "w" });
    assert.match(await text(page, "#roles"), /is the case weight/);
    assert.match(await text(page, "#count"), /^2 columns to predict from/);
    await choose(page, 0, "increasing");
    assert.equal(await train(page), "");
    const columns = Object.fromEntries(["a", "b", "w", "y"].map((name, c) => [name, rows.map((row) => row[c])]));
    const options = {
      target: "y",
      weight: "w",
      features: { a: "increasing", b: "free" },
      effort: "fast",
    };
    const own = await fit(columns, options);
    assert.equal((await download(page, "model.json")).toString(), `${stringifyModel(own)}\n`);
    assert.match(await text(page, "#quality"), /by weight/);

    await page.click("#cross-validate");
    await page.waitForFunction(() => document.getElementById("checked").textContent.startsWith("Done"));
    const { statements, model } = await crossValidate(columns, options);
    const shown = await text(page, "#check");
    for (const statement of statements) assert.ok(shown.includes(statement), `${shown} says ${statement}`);
    assert.ok(shown.includes(model.r2.toFixed(3)));
    assert.ok(shown.includes("all features free"));
    assert.deepEqual((await page.evaluate(inspect, OWN)).problems, []);

    // a bad weight is told by its line
    await give(
      page,
      csv(
        ["a", "w", "y"],
        [
          [1, 1, 1],
          [2, -1, 2],
          [3, 1, 3],
        ],
      ),
    );
    await read(page);
    await page.selectOption("#target", { label: "y" });
    await page.selectOption("#weight", { label: "w" });
    assert.equal(await train(page), "rows.csv, line 3: the case weight is -1, below 0.");
    await page.selectOption("#target", { label: "w" });
    assert.match(await train(page), /^the target cannot be the case weight too/);
    await close();
  },

  async "says of an outcome how its probability is learned"() {
    const { page, close } = await open();
    await give(page, `x,bought\n${Array.from({ length: 30 }, (_, r) => `${r},${r % 2}`).join("\n")}\n`);
    await read(page);
    assert.equal(await text(page, "#outcome"), "");
    await page.selectOption("#target", { label: "bought" });
    assert.match(await text(page, "#outcome"), /^bought is 0 or 1: its probability is learned with/);
    await page.selectOption("#target", { label: "x" });
    assert.equal(await text(page, "#outcome"), "");
    await close();
  },

  async "stops when it is told to, and trains again"() {
    const { page, close } = await open();
    await page.click("#example");
    await read(page);
    await page.evaluate(() => {
      document.getElementById("effort").value = "best";
    });
    await page.click("#train");
    await page.waitForFunction(() => document.getElementById("epoch").textContent.startsWith("Epoch"));
    await page.click("#cancel");
    await page.waitForFunction(() => document.getElementById("trained").textContent.startsWith("Cancelled"));
    assert.ok(await page.isHidden("#results"));
    assert.ok(await page.isHidden("#cancel"));
    assert.equal(await train(page), "");
    assert.ok(await page.isVisible("#results"));
    // another choice: what was shown no longer holds
    await page.click('[data-all="free"]');
    assert.ok(await page.isHidden("#results"));
    assert.match(await text(page, "#count"), /^7 columns to predict from, 7 of them free, of 8$/);
    await close();
  },

  async "opens from the disk, without a server, and needs no workers: the same bytes"() {
    const at = pathToFileURL(join(root, "build/playground/index.html")).href;
    const rows = Array.from({ length: 40 }, (_, r) => [r % 9, 2 * (r % 9) + (r % 3)]);
    const models = [];
    for (const workers of [true, false]) {
      const { page, close } = await open({ at, workers });
      await give(page, csv(["a", "y"], rows));
      await read(page);
      await page.selectOption("#target", { label: "y" });
      assert.equal(await train(page), "");
      models.push((await download(page, "model.json")).toString());
      await close();
    }
    assert.equal(models[0], models[1]);
  },

  async "may ask nothing of anyone: its policy refuses"() {
    const { page, said } = await open();
    const refused = await page.evaluate(async () => {
      const tries = [
        () => fetch("/index.html"),
        () => fetch("https://example.com/"),
        () => new Promise((ok, no) => Object.assign(new Image(), { onload: ok, onerror: no, src: "/index.html" })),
      ];
      return Promise.all(
        tries.map((one) =>
          one().then(
            () => "went through",
            () => "refused",
          ),
        ),
      );
    });
    assert.deepEqual(refused, ["refused", "refused", "refused"]);
    assert.ok(
      said.some((line) => line.startsWith("console: policy: connect-src")),
      said.join("\n"),
    );
    await page.context().close();
  },
};

let [passed, failed] = [0, 0];
try {
  for (const [name, test] of Object.entries(tests)) {
    if (!name.includes(only)) continue;
    const began = performance.now();
    try {
      await test();
      passed++;
      console.log(`ok  ${name} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
    } catch (error) {
      failed++;
      console.log(`BAD ${name}\n${error.stack}`);
    }
  }
} finally {
  await browser.close();
  stop();
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
