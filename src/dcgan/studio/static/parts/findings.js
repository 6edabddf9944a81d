// What is right and wrong with a run, and what to do next.

import { post } from "../api.js";
import { ActionButton, Prose, Severity, html, useState } from "../ui.js";

export function Findings({ findings }) {
  const holding = findings.filter((one) => one.holds);
  const past = findings.filter((one) => !one.holds);
  if (findings.length === 0) return html`<p>Nothing stands out so far.</p>`;
  return html`
    ${holding.length === 0 && html`<p>Nothing is wrong now.</p>`}
    <${List} findings=${holding} />
    ${past.length > 0 &&
    html`<details>
      <summary>Earlier in this run (${past.length})</summary>
      <${List} findings=${past} />
    </details>`}
  `;
}

const List = ({ findings }) => html`<ul class="findings">
  ${findings.map(
    (one) => html`<li key=${one.id}>
      <${Severity} level=${one.severity} />${" "}<${Prose} text=${one.meaning} />${" "}
      ${one.when && html`<span class="soft">(${one.when})</span>`}
    </li>`,
  )}
</ul>`;

export function Advice({ run, advice, isTraining }) {
  const continues = advice.command.includes(" --resume");
  if (!advice.text || (continues && isTraining)) return null;
  const start = async () => {
    const started = await post(`/runs/${run}/advice`);
    location.hash = `#/runs/${started.run}`;
  };
  return html`<div class="advice">
    <h3>What to do next</h3>
    <p><${Prose} text=${advice.text} />.</p>
    ${advice.command && html`<${Command} line=${advice.command} />`}
    ${advice.can_start &&
    html`<${ActionButton} kind="main" act=${start}>
      ${continues ? "Continue training" : "Start the changed run"}
    <//>`}
  </div>`;
}

/** A command line with a button that copies it. */
export function Command({ line }) {
  const [isCopied, setIsCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(line);
    setIsCopied(true);
  };
  return html`<div class="command">
    <code>${line}</code>
    ${navigator.clipboard && html`<${ActionButton} act=${copy}>${isCopied ? "Copied" : "Copy"}<//>`}
  </div>`;
}
