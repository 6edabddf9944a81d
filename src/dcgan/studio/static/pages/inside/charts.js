// Curves over steps, and the verdicts on the whole batch.

import { html, useEffect, useRef, useState } from "../../ui.js";
import { digits } from "../../words.js";
import { judged } from "./diagram.js";
import uPlot from "../../vendor/uplot.js";

const HEIGHT = 200;

/** Two lines over steps. `lines`: [{name, color, values}]; `range`: fixed [low, high]. */
function Curves({ title, steps, lines, range, format }) {
  const place = useRef(null);
  const plot = useRef(null);
  const [theme, setTheme] = useState(0);
  useEffect(() => {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const changed = () => setTheme((old) => old + 1);
    dark.addEventListener("change", changed);
    return () => dark.removeEventListener("change", changed);
  }, []);
  useEffect(() => {
    const color = (name) => getComputedStyle(place.current).getPropertyValue(name).trim();
    const axis = {
      stroke: color("--soft"), font: "12px system-ui",
      grid: { stroke: color("--line"), width: 1 }, ticks: { show: false },
    };
    plot.current = new uPlot({
      width: place.current.clientWidth, height: HEIGHT,
      legend: { show: false }, cursor: { show: false },
      scales: { x: { time: false, range: (_, low, high) => [low, Math.max(high, 10)] },
        y: range ? { range } : { range: (_, low, high) => [0, Math.max(2, 1.05 * high)] } },
      axes: [{ ...axis, size: 28 }, { ...axis, size: 44,
        values: (_, ticks) => ticks.map((tick) => format(tick)) }],
      series: [{}, ...lines.map((line) => ({
        label: line.name, stroke: color(line.color), width: 2, points: { show: false },
        dash: line.dash,
      }))],
    }, data(steps, lines), place.current);
    const watch = new ResizeObserver(() =>
      plot.current.setSize({ width: place.current.clientWidth, height: HEIGHT }));
    watch.observe(place.current);
    return () => {
      watch.disconnect();
      plot.current.destroy();
    };
  }, [theme]);
  useEffect(() => plot.current.setData(data(steps, lines)));
  const now = lines.map(({ name, values }) =>
    values.length ? `${name} ${format(values.at(-1))}` : name);
  return html`<figure class="curves">
    <figcaption>${title}</figcaption>
    <div class="curve-plot" ref=${place} role="img" aria-label=${`${title}: ${now.join(", ")}`}></div>
    <ul class="curve-legend">${lines.map((line, k) => html`<li>
      <span class=${`swatch ${line.dash ? "dashed" : ""} ${line.color.slice(2)}`}></span>
      ${now[k]}
    </li>`)}</ul>
  </figure>`;
}

const data = (steps, lines) => [steps, ...lines.map(({ values }) => values)];

const percent = (value) => `${Math.round(100 * value)} %`;

export function Charts({ records, state }) {
  const column = (key) => records.map((record) => record[key]);
  const steps = column("step");
  return html`<div class="curve-row">
    <${Curves} title="Losses within each step" steps=${steps} format=${digits} lines=${[
      { name: "generator", color: "--generator", values: column("loss_generator") },
      { name: "discriminator", color: "--discriminator", dash: [7, 4],
        values: column("loss_discriminator") },
    ]} />
    <${Curves} title="Discriminator's scores (100 %: real)" steps=${steps} range=${[0, 1]}
      format=${percent} lines=${[
        { name: "real images", color: "--real", dash: [7, 4], values: column("score_real") },
        { name: "generated images", color: "--generator", values: column("score_generated") },
      ]} />
    <${Verdicts} probability=${state.probability} />
  </div>`;
}

/** Every image of the batch as a dot: how real the discriminator finds it. */
function Verdicts({ probability }) {
  const dots = (name, values, top) => values.map((value, place) => html`<circle class=${name}
    cx=${10 + 280 * value} cy=${top + 7 * ((5 * place) % 8)} r="4" />`);
  const verdicts = ["real", "generated"].flatMap((kind) =>
    probability[kind].map((one) => judged(one, kind)));
  const count = (word) => verdicts.filter((one) => one === word).length;
  const open = count("undecided");
  const text = `The discriminator is right about ${count("right")} of ${verdicts.length} images`
    + (open ? `, and undecided (50 %) about ${open}` : "");
  return html`<figure class="curves">
    <figcaption>Verdicts on the images of a step</figcaption>
    <svg class="verdicts" viewBox="0 0 300 200" role="img" aria-label=${text}>
      <line x1="150" x2="150" y1="5" y2="170" />
      <line x1="10" x2="290" y1="170" y2="170" />
      <text x="10" y="14">real images</text>
      ${dots("real", probability.real, 26)}
      <text x="10" y="100">generated images</text>
      ${dots("generated", probability.generated, 112)}
      <text x="10" y="188">“generated”</text>
      <text x="150" y="188" text-anchor="middle">50 %</text>
      <text x="290" y="188" text-anchor="end">“real”</text>
    </svg>
    <p class="curve-legend">${text}.</p>
  </figure>`;
}
