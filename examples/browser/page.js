// A page without a build step: a field for each feature, the prediction as you type, and what one more unit would cost.
//   npm run demo && npm pack && cp build/demo/model.json examples/browser/
//   cd examples/browser && npm install --prefix . ../../isotone-*.tgz && npx serve
import { load } from "isotone/predict";

const model = load(await (await fetch("model.json")).text());
const form = document.querySelector("form");
const output = document.querySelector("output");

for (const { name, median, range } of model.features) {
  const label = form.appendChild(document.createElement("label"));
  label.append(name, " ");
  const field = label.appendChild(document.createElement("input"));
  Object.assign(field, { name, type: "number", min: range[0], max: range[1], value: Math.round(median) });
}

function show() {
  const row = Object.fromEntries([...new FormData(form)].map(([name, text]) => [name, Number(text)]));
  const slopes = model.sensitivity(row);
  const dearest = Object.keys(slopes).sort((a, b) => slopes[b] - slopes[a])[0];
  const ms = model.predict(row).toFixed(3);
  output.textContent = `${ms} ms; dearest: one more of ${dearest}, ${slopes[dearest].toFixed(6)} ms`;
}

form.addEventListener("input", show);
show();
