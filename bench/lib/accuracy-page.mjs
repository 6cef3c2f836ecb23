// The page of accuracy.mjs: ACCURACY.md, or ACCURACY-others.md. In: sets, scores by set of isotone and of the rivals; out: Markdown, a table a group of sets.
import { deviation, geometricMean, mean } from "./scores.mjs";

/** Shares that the intervals are asked to hold. */
export const COVERAGES = [0.8, 0.9, 0.95];

const MONOTONE = ["linear, signs", "HGB monotone", "XGB monotone"];
const BEST_MONOTONE =
  "Best monotone: on each set the best of the sign-constrained linear fit, HGB monotone and XGB monotone. Level with it (within 1 %) or better on";

const row = (cells) => `| ${cells.join(" | ")} |`;
const head = (cells) => [row(cells), row(cells.map((_, i) => (i ? "---:" : "---")))];
const figure = (scores, digits = 4) =>
  scores?.length ? `${mean(scores).toFixed(digits)} ± ${deviation(scores).toFixed(digits)}` : "–";
const inPercent = (held) => (Number.isNaN(held) ? "too few rows" : (100 * held).toFixed(1));

const LATTICE = "TF Lattice";
/** A rival's cell; says of how many splits where not of all. */
const cell = (scores, splits, digits) =>
  `${figure(scores, digits)}${scores.length && scores.length < splits ? ` (${scores.length} of ${splits} splits)` : ""}`;

/**
 * The page as text. `own`: Map of a set to { scores, held, seconds, single }; `rivals`: gives { rival: [figure a split] } of a set; `versions` of the
 * rivals' libraries where they were fitted in this call; `lattice`: the store of TF Lattice's figures, { versions, of(set) }; `about`: what the description
 * says of its sets.
 */
export function accuracyPage({ sets, own, rivals, versions, lattice, about, version, effort }) {
  const figuresOf = (set, name) => (name === LATTICE ? lattice?.of(set)?.scores : rivals(set)[name]) ?? [];
  const scoresOf = (set, name) => figuresOf(set, name).slice(0, set.tests.length);
  const study = {
    own: (set) => own.get(set),
    scoresOf,
    /** Over the splits that the rival has. */
    ratioTo: (set, name) => {
      const theirs = scoresOf(set, name);
      return mean(own.get(set).scores.slice(0, theirs.length)) / mean(theirs);
    },
    /** The names, with LightGBM's and TF Lattice's after the monotone ones where they were fitted. */
    fitted: (names, some) => {
      const more = versions?.lightgbm ? ["LightGBM monotone"] : [];
      if (some.some((set) => scoresOf(set, LATTICE).length)) more.push(LATTICE);
      return names.flatMap((name) => (name === "XGB monotone" ? [name, ...more] : [name]));
    },
    lattice,
  };
  const sections = [
    ["fixed", fixedSection],
    ["described", (some) => describedSection(some, study, about)],
    ["ratings", ratingsSection],
    ["classic", classicSection],
  ];
  const lines = [...intro(version, effort, versions), ...latticeNote(sets, lattice), ""];
  for (const [group, section] of sections) {
    const some = sets.filter((set) => set.group === group);
    if (some.length) lines.push(...section(some, study), "");
  }
  return `${lines.join("\n").trimEnd()}\n`;
}

function intro(version, effort, versions) {
  return [
    "# Accuracy with default settings",
    "",
    `isotone ${version}, effort "${effort}". Written by \`npm run bench:accuracy -- FOLDER\`; do not edit.`,
    "Every choice (scaling, ridge, decay, stopping, blend) is made on training rows. Figures are mean ± sd over splits.",
    versions
      ? `Rivals fitted in the same call with library defaults: ${Object.entries(versions)
          .map((v) => v.join(" "))
          .join(", ")}.`
      : "Rivals: stored figures, not fitted in this call: those of splits.json (sklearn 1.2.1, xgboost 1.7.4), and of accuracy-rivals.json for the sets below it.",
  ];
}

function latticeNote(sets, lattice) {
  const known = sets.map((set) => lattice?.of(set)).filter(Boolean);
  if (!known.length) return [];
  const seconds = known.map((of) => mean(of.seconds));
  const kinds = known.flatMap((of) => of.kinds);
  const names = Object.entries(lattice.versions)
    .map((v) => v.join(" "))
    .join(", ");
  const linear = kinds.filter((kind) => kind === "linear").length;
  return [
    "",
    `TF Lattice has no defaults: one recipe by rows and columns (tf_lattice.py), chosen on training rows. A fit takes ${Math.min(...seconds).toFixed(0)} to ${Math.max(...seconds).toFixed(0)} s of CPU, so its figures are stored (\`--lattice\`; ${names}), where so stated of the first splits only, and ratios to it are over those. Of its ${kinds.length} fits left-out training rows chose ${linear} calibrated linear models and ${kinds.length - linear} lattices.`,
  ];
}

/** Ratio of isotone's error to that of the best monotone rival. */
const toBest = (set, { ratioTo }) => Math.max(...MONOTONE.map((name) => ratioTo(set, name)));

function fixedSection(sets, study) {
  const { own, scoresOf, ratioTo } = study;
  const all = ["linear, signs", "HGB monotone", "XGB monotone", "HGB free", "XGB free", "MLP free"];
  const names = study.fitted(all, sets);
  const ratios = sets.map((set) => toBest(set, study));
  const has = (name) => sets.filter((set) => scoresOf(set, name).length);
  const over = (name) => geometricMean(has(name).map((set) => ratioTo(set, name))).toFixed(3);
  const level = ratios.filter((r) => r <= 1.01).length;
  const better = ratios.filter((r) => r < 1).length;
  const held = COVERAGES.map((_, c) => mean(sets.map((set) => own(set).held[c]).filter((h) => !Number.isNaN(h))));
  return [
    "## Fixed splits: RMSE over the sd of the target",
    "",
    ...head(["set", "rows", "isotone", "to best monotone", ...names, "seconds a fit"]),
    ...sets.map((set, k) =>
      row([
        set.name,
        set.target.length,
        `**${figure(own(set).scores)}**`,
        ratios[k].toFixed(3),
        ...names.map((name) => cell(scoresOf(set, name), set.tests.length)),
        own(set).seconds.toFixed(1),
      ]),
    ),
    row(["geometric mean of isotone to it", "", "", `**${geometricMean(ratios).toFixed(3)}**`, ...names.map(over), ""]),
    "",
    `${BEST_MONOTONE} **${level} of ${ratios.length}** sets, better on ${better}.${withAll(sets, study)}`,
    "",
    "## Intervals: share of test rows inside `predictInterval`",
    "",
    ...head(["set", "rows", ...COVERAGES.map((c) => `${100 * c} %`)]),
    ...sets.map((set) => row([set.name, set.target.length, ...own(set).held.map(inPercent)])),
    row(["mean", "", ...held.map((h) => `**${inPercent(h)}**`)]),
  ];
}

/** The same with every monotone rival that was fitted. */
function withAll(sets, study) {
  const names = study.fitted(MONOTONE, sets);
  if (names.length === MONOTONE.length) return "";
  const largest = (set) =>
    Math.max(...names.filter((name) => study.scoresOf(set, name).length).map((name) => study.ratioTo(set, name)));
  const ratios = sets.map(largest);
  const level = ratios.filter((r) => r <= 1.01).length;
  return ` With ${names.slice(MONOTONE.length).join(" and ")} among them the ratio is ${geometricMean(ratios).toFixed(3)}, and it is level or better on ${level}.`;
}

function describedSection(sets, study, { from, text }) {
  const { own, scoresOf, ratioTo } = study;
  const source = from ? ` of the Python package ${from.package} ${from.version} (data of R packages, as CSV)` : "";
  const names = study.fitted(["linear, signs", "HGB monotone", "XGB monotone", "HGB free", "XGB free"], sets);
  const known = sets.filter((set) => scoresOf(set, "HGB monotone").length > 0);
  const lines = [
    "## Other sets: RMSE over the sd of the target",
    "",
    `${sets.length} tables${source}; targets and directions as in the description. Seeded 80/20 splits, twenty below 150 rows, five from there on. No row of them is in this repository. ${text ?? ""}`,
    "",
    ...(known.length < sets.length ? ["Without Python's libraries there are no rivals to compare with here.", ""] : []),
    ...head([
      "set",
      "rows",
      "inputs",
      "isotone",
      "to best monotone",
      "to linear",
      ...names,
      "held at 90 %",
      "seconds a fit",
    ]),
    ...sets.map((set) => {
      const compared = known.includes(set);
      return row([
        set.name,
        set.target.length,
        Object.keys(set.features).length,
        `**${figure(own(set).scores)}**`,
        compared ? toBest(set, study).toFixed(3) : "–",
        compared ? ratioTo(set, "linear, signs").toFixed(3) : "–",
        ...names.map((name) => figure(scoresOf(set, name))),
        inPercent(own(set).held[1]),
        own(set).seconds.toFixed(1),
      ]);
    }),
  ];
  if (known.length === 0) return lines;
  const few = known.filter((set) => set.target.length < 150);
  const many = known.filter((set) => set.target.length >= 150);
  const over = (list, of) => (list.length ? geometricMean(list.map(of)).toFixed(3) : "–");
  const means = (what, list) => {
    const toEach = names.map((name) => over(list, (set) => ratioTo(set, name)));
    const best = over(list, (set) => toBest(set, study));
    return row([
      what,
      "",
      "",
      "",
      `**${best}**`,
      over(list, (set) => ratioTo(set, "linear, signs")),
      ...toEach,
      "",
      "",
    ]);
  };
  const level = known.filter((set) => toBest(set, study) <= 1.01).length;
  const worse = few.filter((set) => ratioTo(set, "linear, signs") > 1.03);
  const named = worse.map((set) => `${set.name} (${ratioTo(set, "linear, signs").toFixed(3)})`).join(", ") || "none";
  return [
    ...lines,
    means("geometric mean of isotone to it", known),
    means("… below 150 rows", few),
    means("… from 150 rows on", many),
    "",
    `${BEST_MONOTONE} **${level} of ${known.length}** sets. Of the ${few.length} sets below 150 rows, ${named} ${worse.length > 1 ? "are" : "is"} worse than the sign-constrained linear fit by more than 3 %.`,
  ];
}

function ratingsSection(sets, { own, scoresOf }) {
  const has = sets.some((set) => scoresOf(set, LATTICE).length);
  const names = ["linear, signs", "MLP free", "HGB monotone", "XGB monotone", ...(has ? [LATTICE] : [])];
  return [
    "## Ratings: Sill's comparison",
    "",
    "Sill (1998) set a monotonic network beside a linear model and a standard network on rating data. The same here: RMSE over the sd of the rating, one 8x8 network a member (`networks: 1`) and the default sum; 10 seeded splits of 80/20 (5 for the loans).",
    "",
    ...head(["set", "rows", "default sum", "one network", ...names]),
    ...sets.map((set) => {
      const { scores, single } = own(set);
      const rivals = names.map((name) => cell(scoresOf(set, name), set.tests.length));
      return row([set.name, set.target.length, `**${figure(scores)}**`, figure(single), ...rivals]);
    }),
  ];
}

function classicSection(sets, { own, scoresOf }) {
  const has = sets.some((set) => scoresOf(set, LATTICE).length);
  const monotone = ["HGB monotone", "XGB monotone", ...(has ? [LATTICE] : [])];
  const names = ["linear, signs", "logistic", "MLP free", ...monotone, "HGB free", "XGB free"];
  const measures = { mse: "MSE", accuracy: "accuracy", rmse: "RMSE of y / 8" };
  return [
    "## The five sets that papers on monotone networks report",
    "",
    "Twenty seeded 80/20 splits (compas: five, and the papers' own split; blogfeedback: the papers' own), nothing that `fit` chooses comes from test rows: the threshold is 0.5, the epoch comes from left-out training rows. One default was found with looks at the test rows of blogfeedback, its ramps: docs/measurements.md.",
    "",
    ...head(["set", "rows", "measure", "isotone", ...names]),
    ...sets.map((set) => {
      const digits = set.measure === "mse" ? 2 : 4;
      const rivals = names.map((name) => cell(scoresOf(set, name), set.tests.length, digits));
      return row([
        set.name,
        set.target.length,
        measures[set.measure],
        `**${figure(own(set).scores, digits)}**`,
        ...rivals,
      ]);
    }),
    "",
    [
      "Why published figures are not beside these: most papers on these sets report the best epoch, and on compas and heart also the best threshold, **on the test set**.",
      "sklearn's monotone HGB goes from 68.8 to 69.4 % on compas by that alone, more than most of the gaps between published methods.",
      "Splits differ, too: three families of splits of auto-mpg are in use, and the MSE of one fixed method over 20 random splits runs from 4.6 to 11.7;",
      "on heart one test row of 61 is 1.6 points. The figures of blogfeedback come from a loader that wraps counts above 255, drops the top tenth by rows of train and test together,",
      "and in several codes constrains other columns than those named; here the documented columns are constrained.",
    ].join(" "),
  ];
}
