// How to use the model, as code to copy. In: a study; out: the section.

import { lined, section } from "../parts.js";
import type { Study } from "../study.js";
import { html, type Markup } from "../text.js";
import { commands, javascript } from "../usage.js";

export function usageSection(study: Study): Markup {
  return section(
    "use",
    "Use it",
    "The model is one JSON file",
    html`<p>Node, Deno, Bun, workers and browsers read it and give the same bits. The row below is the one in the middle.</p>`,
    html`<div class="code"><div><h3>JavaScript</h3><pre tabindex="0"><code>${lined(javascript(study))}</code></pre></div>
<div><h3>Command line</h3><pre tabindex="0"><code>${lined(commands(study))}</code></pre></div></div>`,
  );
}
