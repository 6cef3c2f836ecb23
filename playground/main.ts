// The page: a file -> a table -> columns and their roles -> fit -> what was learned. Each step clears those after it. Nothing leaves the tab.

import example from "../examples/jobs/jobs.csv";
import { type FitOptions, fit, version } from "../js/index.js";
import { plural, short } from "../js/report/text.js";
import { turn } from "../js/turn.js";
import { checkSection } from "./check.js";
import { type Chosen, type Column, describeColumns, readTraining } from "./columns.js";
import { busyWith, by, el, messageOf, tell } from "./dom.js";
import { downloads } from "./downloads.js";
import { chosen, showColumns } from "./form.js";
import { readTable, type Table } from "./read.js";
import { showResult, studyOf } from "./results.js";
import { rowEditor } from "./row.js";

const LOSSES: [string, FitOptions["loss"]][] = [
  ["the mean (squared loss)", "squared"],
  ["the median (absolute loss)", "absolute"],
  ["the mean, outliers dampened (Huber)", "huber"],
  ["a count (Poisson)", "poisson"],
  ["a positive number (gamma)", "gamma"],
  ["the probability of 1 (logistic)", "logistic"],
  ["quantiles 10, 50 and 90 %", { quantiles: [0.1, 0.5, 0.9] }],
];

/** Members of a committee that train at once; the model has the same bytes with any number, and where workers are refused. */
const MOST_THREADS = 8;

const file = by<HTMLInputElement>("file");
const delimiter = by<HTMLSelectElement>("delimiter");
const na = by<HTMLInputElement>("na");
const train = by<HTMLButtonElement>("train");
const cancel = by<HTMLButtonElement>("cancel");
const progress = by<HTMLProgressElement>("progress");
const results = by("results");

let given: { blob: Blob; name: string; proposed?: string } | undefined;
let table: Table | undefined;
let columns: Column[] = [];
let running: AbortController | undefined;
/** What must end with the results that are shown. */
const cleared: (() => void)[] = [];
/** Counts the files that were opened: what comes late is dropped. */
let opened = 0;

const missingWords = () =>
  new Set([
    "",
    ...na.value
      .split(",")
      .map((word) => word.trim())
      .filter((word) => word !== ""),
  ]);

function clearResults(): void {
  running?.abort();
  for (const stop of cleared.splice(0)) stop();
  results.hidden = true;
  results.replaceChildren();
  by("trained").textContent = "";
  tell(by("untrained"));
}

/** Reads the file that was given. */
async function open(): Promise<void> {
  if (given === undefined) return;
  const { blob, name, proposed } = given;
  clearResults();
  const mine = ++opened;
  const read = by("read");
  table = undefined;
  by("columns").hidden = true;
  by("training-form").hidden = true;
  tell(by("unread"));
  read.textContent = `Reading ${name} …`;
  try {
    const separator = delimiter.value === "tab" ? "\t" : delimiter.value;
    const got = await readTable(blob, name, separator, (rows) => {
      if (mine === opened) read.textContent = `Reading ${name}: ${plural(rows, "row")} …`;
    });
    if (mine !== opened) return;
    table = got;
    const mark = { "\t": "tabs", ";": "semicolons", "|": "bars" }[got.delimiter];
    read.textContent = `${name}: ${plural(got.records.length, "row")}, ${plural(got.header.length, "column")}${mark ? `, separated by ${mark}` : ""}.`;
    await describe({ ...(proposed !== undefined && { target: proposed }) });
  } catch (error) {
    if (mine !== opened) return;
    read.textContent = "";
    tell(by("unread"), messageOf(error));
  }
}

/** Describes the columns of the table; `taken` as chosen already, by the example, whose features all increase, or before. */
async function describe(taken: Partial<Chosen> = {}, before: readonly Column[] = []): Promise<void> {
  if (table === undefined) return;
  const mine = opened;
  const described = await describeColumns(table, missingWords());
  if (mine !== opened) return;
  columns = described;
  columns.forEach((column, c) => {
    if (before[c] && before[c].role !== before[c].guess) column.role = before[c].role;
    else if (given?.proposed !== undefined) column.role = "increasing";
  });
  showColumns(columns, taken);
  by("columns").hidden = false;
  by("training-form").hidden = false;
}

/** Trains on the table as the form says. */
async function run(): Promise<void> {
  if (table === undefined) return;
  clearResults();
  const untrained = by("untrained");
  const trained = by("trained");
  const { target, weight } = chosen(columns);
  if (target === undefined) {
    tell(untrained, "Choose the column to predict, above.");
    by("target").focus();
    return;
  }
  const { name, delimiter } = table;
  const controller = new AbortController();
  running = controller;
  busy(true);
  try {
    const pause = async () => {
      await turn();
      controller.signal.throwIfAborted();
    };
    const training = await readTraining(table, columns, { target, weight }, missingWords(), pause);
    const options: FitOptions = {
      target,
      features: training.features,
      ...(weight !== undefined && { weight }),
      loss: LOSSES[by<HTMLSelectElement>("loss").selectedIndex][1],
      effort: by<HTMLSelectElement>("effort").value as "default",
      seed: by<HTMLInputElement>("seed").valueAsNumber,
      threads: Math.min(MOST_THREADS, navigator.hardwareConcurrency || 1),
    };
    const began = performance.now();
    const model = await fit(training.rows, {
      ...options,
      signal: controller.signal,
      onProgress({ epoch, epochs, loss, validationLoss, seconds }) {
        const share = epoch / epochs;
        progress.value = share;
        const left = share > 0.02 ? `, ${Math.ceil(seconds / share - seconds)} s left` : "";
        by("epoch").textContent =
          `Epoch ${Math.round(epoch)} of ${Math.round(epochs)}, loss ${short(validationLoss ?? loss)}${left}`;
      },
    });
    const seconds = (performance.now() - began) / 1000;
    trained.textContent = `Trained in ${short(seconds, 2)} s; drawing the charts …`;
    await pause();
    const asked = {
      file: name,
      unit: by<HTMLInputElement>("unit").value.trim() || undefined,
      delimiter: delimiter === "," ? undefined : delimiter,
      na: [...missingWords()].filter((word) => word !== ""),
    };
    const result = await studyOf(model, training, asked, pause);
    const check = checkSection(training.rows, options);
    cleared.push(check.stop);
    await showResult(result, [rowEditor(result), check.section, downloads(result)], pause);
    trained.textContent = `Trained on ${plural(model.training.rows, "row")} in ${short(seconds, 2)} s.`;
    by("result").scrollIntoView();
    results.focus({ preventScroll: true });
  } catch (error) {
    results.hidden = true;
    results.replaceChildren();
    trained.textContent = controller.signal.aborted ? "Cancelled: nothing was kept." : "";
    if (!controller.signal.aborted) tell(untrained, messageOf(error));
  } finally {
    running = undefined;
    busy(false);
  }
}

const showBusy = busyWith(train, cancel, progress);

function busy(on: boolean): void {
  by("epoch").textContent = "";
  if (on) by("trained").textContent = "Training …";
  showBusy(on);
}

function take(blob: Blob | undefined, name: string, proposed?: string): void {
  if (blob === undefined) return;
  given = { blob, name, ...(proposed !== undefined && { proposed }) };
  void open();
}

// the same file may be chosen again, changed meanwhile
file.addEventListener("click", () => {
  file.value = "";
});
file.addEventListener("change", () => take(file.files?.[0], file.files?.[0]?.name ?? ""));
by("example").addEventListener("click", () => {
  delimiter.value = "";
  take(new Blob([example]), "jobs.csv", "ms");
});
delimiter.addEventListener("change", () => void open());
na.addEventListener("change", () => {
  // before a table is there, its reading goes on and will ask
  if (table === undefined) return;
  clearResults();
  opened++;
  void describe(chosen(columns), columns);
});
train.addEventListener("click", () => void run());
cancel.addEventListener("click", () => running?.abort());
by("columns").addEventListener("change", clearResults);

// a file may be dropped anywhere: elsewhere the browser would leave the page for it
const drop = by("drop");
addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("over");
});
addEventListener("dragleave", () => drop.classList.remove("over"));
addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  const dropped = event.dataTransfer?.files[0];
  take(dropped, dropped?.name ?? "");
});

by("loss").replaceChildren(...LOSSES.map(([text]) => el("option", {}, text)));
by("version").textContent = version;
