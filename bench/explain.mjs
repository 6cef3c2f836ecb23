// Contributions per row: explain beside what they are usually estimated with, at their own error.
//   node bench/explain.mjs [--quick]     after npm run build
// explain integrates partial derivatives exactly (Aumann-Shapley); integrated gradients sums them at m points of the same path; kernel SHAP
// (Lundberg & Lee 2017) estimates Shapley values, another way to share out the same difference, from predictions of rows with some features taken
// from the baseline. Each is judged by its own exact answer: the first two by numerical integration in float64, the last by all 2^d subsets.
// All three use the same model and the same engine, rivals with batches of rows, so that only the methods differ.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { fit } from "../dist/index.js";
import { median, summary } from "./lib/contenders.mjs";
import { normal, uniform } from "./lib/random.mjs";
import { print, rounds, short } from "./lib/rounds.mjs";

const D = 16;

/** Skewed counts, correlated through the size of a job, and a duration that is no sum of terms. Out: columns. */
function makeJobs(n, seed) {
  const z = normal(seed);
  const columns = Object.fromEntries(Array.from({ length: D }, (_, f) => [`x${f}`, new Float32Array(n)]));
  const y = new Float32Array(n);
  for (let r = 0; r < n; r++) {
    const size = z();
    const x = Array.from({ length: D }, () => Math.round(10 * Math.exp(0.5 * size + 0.7 * z())));
    x.forEach((v, f) => {
      columns[`x${f}`][r] = v;
    });
    const pairs = x.reduce((sum, v, f) => sum + Math.sqrt(v * x[(f + 1) % D]) * ((f % 4) + 1), 0);
    y[r] = pairs + 3 * Math.max(...x.slice(0, 4)) + Math.min(x[5], x[6]) + 5 * z();
  }
  return { ...columns, y };
}

/** Derivatives of the sum along the path at share t, in float64 and written down from docs/model-format.md, and what is active there. */
function pathOf(data, base, row) {
  const { inputs, networks, scale, link } = data;
  if (link.name !== "identity") throw new Error("the bench integrates models without a link");
  const planes = networks.map((groups) => groups.map((planes) => planes.map((plane) => Float64Array.from(plane))));
  return (t) => {
    const z = [];
    const speed = [];
    inputs.forEach(({ feature, transform, divisor, center, scale: s }, i) => {
      const step = row[feature] - base[feature];
      const v = base[feature] + t * step;
      const x = transform === "log1p" ? Math.log1p(v / divisor) : v;
      z[i] = Math.min(50, Math.max(-50, (x - center) * s));
      speed[i] = Math.abs(z[i]) < 50 ? (transform === "log1p" ? step / (divisor + v) : step) * s : 0;
    });
    const slope = new Float64Array(inputs.length);
    let active = "";
    for (const groups of planes) {
      let [least, chosen, name] = [Number.POSITIVE_INFINITY, undefined, ""];
      groups.forEach((group, k) => {
        let [most, top] = [Number.NEGATIVE_INFINITY, 0];
        group.forEach((plane, j) => {
          let value = plane[inputs.length];
          for (let i = 0; i < inputs.length; i++) value += plane[i] * z[i];
          if (value > most) [most, top] = [value, j];
        });
        if (most < least) [least, chosen, name] = [most, group[top], `${k},${top};`];
      });
      active += name;
      for (let i = 0; i < inputs.length; i++) slope[i] += chosen[i];
    }
    const parts = new Float64Array(data.features.length);
    inputs.forEach(({ feature }, i) => {
      parts[feature] += slope[i] * scale * speed[i];
    });
    return { parts, active };
  };
}

/** The path integral by Gauss' rule in cells that are halved until nothing changes inside them. */
function integrated(data, base, row, cells = 200) {
  const at = pathOf(data, base, row);
  const out = new Float64Array(data.features.length);
  const nodes = [
    [0.5 - Math.sqrt(0.15), 5 / 18],
    [0.5, 8 / 18],
    [0.5 + Math.sqrt(0.15), 5 / 18],
  ];
  const cell = (low, high, first, last) => {
    if (first !== last && high - low > 1e-9) {
      const middle = (low + high) / 2;
      const { active } = at(middle);
      cell(low, middle, first, active);
      cell(middle, high, active, last);
      return;
    }
    for (const [place, weight] of nodes) {
      at(low + place * (high - low)).parts.forEach((part, f) => {
        out[f] += part * weight * (high - low);
      });
    }
  };
  for (let k = 0; k < cells; k++) cell(k / cells, (k + 1) / cells, at(k / cells).active, at((k + 1) / cells).active);
  return out;
}

/** Integrated gradients with m midpoints. */
function integratedGradients(model, base, row, m) {
  const points = new Float32Array(m * D);
  for (let k = 0; k < m; k++)
    for (let f = 0; f < D; f++) points[k * D + f] = base[f] + ((k + 0.5) / m) * (row[f] - base[f]);
  const slopes = model.sensitivityMany(points);
  const out = new Float64Array(D);
  for (let k = 0; k < slopes.length; k++) out[k % D] += (slopes[k] / m) * (row[k % D] - base[k % D]);
  return out;
}

/** Predictions with the features of each subset (a bit each) from the row, the others from the baseline. */
function predictSubsets(model, base, row, subsets) {
  const points = new Float32Array(subsets.length * D);
  subsets.forEach((subset, k) => {
    for (let f = 0; f < D; f++) points[k * D + f] = (subset >> f) & 1 ? row[f] : base[f];
  });
  return model.predictMany(points);
}

const choose = (n, k) => {
  let c = 1;
  for (let i = 0; i < k; i++) c = (c * (n - i)) / (i + 1);
  return c;
};

/** Shapley values from all subsets. */
function shapley(model, base, row) {
  const v = predictSubsets(
    model,
    base,
    row,
    Array.from({ length: 1 << D }, (_, s) => s),
  );
  const size = (s) => {
    let count = 0;
    for (let rest = s; rest; rest &= rest - 1) count++;
    return count;
  };
  const share = Array.from({ length: D }, (_, k) => 1 / (D * choose(D - 1, k)));
  const out = new Float64Array(D);
  for (let s = 0; s < 1 << D; s++) {
    const weight = share[size(s)];
    for (let f = 0; f < D; f++) if (!((s >> f) & 1)) out[f] += weight * (v[s | (1 << f)] - v[s]);
  }
  return out;
}

/**
 * Kernel SHAP with so many subsets. As the shap package does it: whole sizes of subsets from the outside in as far as they fit, the rest drawn by
 * the kernel's weights in pairs of a subset and its complement; then weighted least squares, the parts summing to the difference.
 */
function kernelShap(model, base, row, samples, random) {
  const weights = new Map();
  let left = samples;
  const kernel = Array.from({ length: D }, (_, k) => (k === 0 ? 0 : (D - 1) / (k * (D - k))));
  let mass = kernel.reduce((a, b) => a + b, 0);
  const open = [];
  for (let k = 1; k <= D / 2; k++) {
    const both = k < D - k ? 2 : 1;
    const count = both * choose(D, k);
    if (open.length === 0 && count <= left) {
      for (const subset of subsetsOf(k)) {
        weights.set(subset, kernel[k] / choose(D, k));
        if (both === 2) weights.set((1 << D) - 1 - subset, kernel[k] / choose(D, k));
      }
      left -= count;
      mass -= both * kernel[k];
    } else open.push(k);
  }
  if (open.length > 0) {
    const share = open.map((k) => kernel[k] * (k < D - k ? 2 : 1));
    const total = share.reduce((a, b) => a + b, 0);
    const drawn = new Map();
    let n = 0;
    while (n < left) {
      let u = random() * total;
      const k =
        open[
          Math.max(
            0,
            share.findIndex((s) => (u -= s) < 0),
          )
        ];
      const order = Array.from({ length: D }, (_, f) => f);
      let subset = 0;
      for (let i = 0; i < k; i++) {
        const j = i + Math.floor(random() * (D - i));
        [order[i], order[j]] = [order[j], order[i]];
        subset |= 1 << order[i];
      }
      for (const one of [subset, (1 << D) - 1 - subset]) drawn.set(one, (drawn.get(one) ?? 0) + 1);
      n += 2;
    }
    for (const [subset, times] of drawn) weights.set(subset, (mass * times) / n);
  }
  const subsets = [...weights.keys()];
  const v = predictSubsets(model, base, row, [0, (1 << D) - 1, ...subsets]);
  const difference = v[1] - v[0];
  // the last part is what the others leave of the difference
  const m = D - 1;
  const a = Array.from({ length: m }, () => new Float64Array(m + 1));
  subsets.forEach((subset, k) => {
    const w = weights.get(subset);
    const last = (subset >> m) & 1;
    const y = v[k + 2] - v[0] - last * difference;
    for (let i = 0; i < m; i++) {
      const x = ((subset >> i) & 1) - last;
      if (x === 0) continue;
      for (let j = 0; j < m; j++) a[i][j] += w * x * (((subset >> j) & 1) - last);
      a[i][m] += w * x * y;
    }
  });
  for (let i = 0; i < m; i++) {
    let pivot = i;
    for (let r = i + 1; r < m; r++) if (Math.abs(a[r][i]) > Math.abs(a[pivot][i])) pivot = r;
    [a[i], a[pivot]] = [a[pivot], a[i]];
    for (let r = 0; r < m; r++) {
      if (r === i) continue;
      const factor = a[r][i] / a[i][i];
      for (let j = i; j <= m; j++) a[r][j] -= factor * a[i][j];
    }
  }
  const out = Float64Array.from({ length: D }, (_, i) => (i < m ? a[i][m] / a[i][i] : 0));
  out[m] = difference - out.reduce((sum, part) => sum + part, 0);
  return out;
}

function* subsetsOf(k) {
  for (let s = 0; s < 1 << D; s++) {
    let count = 0;
    for (let rest = s; rest; rest &= rest - 1) count++;
    if (count === k) yield s;
  }
}

/** Largest error of a part, relative to the sum of all parts' sizes. */
function errorOf(parts, want) {
  let [largest, size] = [0, 0];
  for (let f = 0; f < want.length; f++) {
    largest = Math.max(largest, Math.abs(parts[f] - want[f]));
    size += Math.abs(want[f]);
  }
  return largest / size;
}

export async function explain({ quick = false } = {}) {
  const model = await fit(makeJobs(quick ? 1000 : 4000, 1), { target: "y", seed: 1, ...(quick && { epochs: 20 }) });
  const data = model.toJSON();
  const n = quick ? 6 : 20;
  const rows = makeJobs(n, 2);
  const rowOf = (r) => Float32Array.from({ length: D }, (_, f) => rows[`x${f}`][r]);
  const base = Float32Array.from(model.features, (f) => f.median);
  const path = Array.from({ length: n }, (_, r) => integrated(data, base, rowOf(r)));
  const exact = Array.from({ length: n }, (_, r) => shapley(model, base, rowOf(r)));
  const own = (r) => Object.values(model.explain(rowOf(r), base).contributions);
  const worst = Math.max(...path.map((want, r) => errorOf(own(r), want)));
  if (!(worst < 1e-6)) throw new Error(`explain is ${worst} from the integral: not timed`);
  const all = kernelShap(model, base, rowOf(0), 1 << D, uniform(1));
  if (!(errorOf(all, exact[0]) < 1e-4)) throw new Error("kernel SHAP of all subsets is not Shapley's value: not timed");

  const flat = Float32Array.from(Array.from({ length: n }, (_, r) => [...rowOf(r)]).flat());
  const jobs = [
    { name: "explain", label: "explain", want: path, parts: own, many: () => model.explainMany(flat, base) },
    ...[50, 500, 5000].map((m) => ({
      name: `gradients-${m}`,
      label: `integrated gradients, ${m} points`,
      want: path,
      parts: (r) => integratedGradients(model, base, rowOf(r), m),
    })),
    ...[2000, 20000].map((m) => ({
      name: `kernel-${m}`,
      label: `kernel SHAP, ${m} samples`,
      want: exact,
      parts: (r, k = 0) => kernelShap(model, base, rowOf(r), m, uniform(1000 * k + r)),
    })),
  ];
  const errors = jobs.map(({ want, parts }) => summary(want.map((w, r) => errorOf(parts(r), w))));
  const times = await rounds(
    jobs.map(({ name, label, parts, many }) => ({
      name,
      label,
      warm: quick ? 100 : 500,
      run: async () => {
        const began = performance.now();
        if (many) many();
        else for (let r = 0; r < n; r++) parts(r);
        return (1000 * (performance.now() - began)) / n;
      },
    })),
    quick ? 3 : 9,
  );
  print(`Contributions of a row, ${D} inputs, ${data.networks.flat(2).length} planes: us`, times, "us");
  console.log(
    "  largest error of a part, relative to the sum of all parts' sizes: median (least to greatest) over rows",
  );
  const results = times.map((time, k) => ({ ...time, error: errors[k] }));
  for (const { label, error } of results) {
    const spread = `${error.least.toExponential(1)} to ${error.greatest.toExponential(1)}`;
    console.log(`  ${label.padEnd(34)} ${error.median.toExponential(1)}   (${spread})`);
  }
  const apart = median(path.map((want, r) => errorOf(exact[r], want)));
  console.log(`  The two exact answers, path and Shapley, lie ${short(100 * apart)} % apart in the median row.`);
  return { inputs: D, planes: data.networks.flat(2).length, rows: n, apart, times: results };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const quick = process.argv.includes("--quick");
  const results = await explain({ quick });
  const at = process.argv.indexOf("--json");
  if (at > 0) writeFileSync(process.argv[at + 1], `${JSON.stringify(results, null, 1)}\n`);
}
