// Which curves of a run are shown, and what they mean.

import { html, useMemo } from "../ui.js";
import { digits } from "../words.js";
import { Chart } from "./chart.js";

const LOSSES = { loss_d: "discriminator", loss_g: "generator" };
const SCORES = {
  score_real: "real images",
  score_fake_before: "generated images",
  score_fake_after: "generated images, after the discriminator's step",
};
const GRADIENT = "gradient_mean ";

/** Scores that differ by this factor are drawn on a logarithmic axis, as in the run's picture. */
const FAR_APART = 5;

export function Curves({ columns, scores, isTraining }) {
  const images = columns.images ?? [];
  const charts = useMemo(() => chartsOf(columns), [columns]);
  const quality = useMemo(() => qualityOf(scores), [scores]);
  if (images.length === 0) {
    return html`<p class="soft">
      ${isTraining ? "The first numbers come in a moment." : "No step was logged."}
    </p>`;
  }
  const end = images.at(-1);
  return html`<div class="charts">
    ${[...charts, quality]
      .filter(Boolean)
      .map((chart) => html`<${Chart} key=${chart.id} end=${end} ...${chart} />`)}
    ${!quality &&
    html`<div class="chart"><h3>Quality</h3>
      <p class="soft">The images are scored a few times in a run. There is no score yet.</p></div>`}
  </div>`;
}

function chartsOf(columns) {
  const layers = Object.keys(columns).filter((key) => key.startsWith(GRADIENT));
  const of = (names) =>
    Object.entries(names)
      .filter(([key]) => columns[key]?.some((value) => value !== null))
      .map(([key, label]) => ({ label, values: columns[key] }));
  const images = columns.images ?? [];
  return [
    {
      id: "losses",
      title: "Losses",
      note: "The two losses balance each other. They do not have to fall.",
      images,
      lines: of(LOSSES),
      withoutOutliers: true,
    },
    {
      id: "scores",
      title: "Discriminator scores",
      note: "The probability that images are real. At 0.5, the discriminator cannot tell.",
      images,
      lines: of(SCORES),
      limits: [0, 1],
    },
    {
      id: "gradients",
      title: "Mean absolute gradient by layer",
      note:
        "The layers of the discriminator; layer 1 is next to the image. Healthy curves may fall to" +
        " a tenth of their start. A layer that falls below a thousandth learns almost nothing.",
      images,
      lines: of(Object.fromEntries(layers.map((key) => [key, layerOf(key)]))),
      isLogarithmic: true,
    },
  ].filter((chart) => chart.lines.length > 0);
}

/** "gradient_mean 1 conv" → "layer 1 conv". */
const layerOf = (key) => `layer ${key.slice(GRADIENT.length)}`;

/** The scores of the newest metric, with the real-image baseline as a line. */
function qualityOf(scores) {
  if (scores.length === 0) return null;
  const { label, real } = scores.at(-1);
  const shown = scores.filter((one) => one.label === label);
  return quality(label, real, { "generated images": shown });
}

/** The scores of runs, by the name of each, as one plot. */
export function quality(label, real, runs) {
  const seen = new Set(Object.values(runs).flatMap((scores) => scores.map((one) => one.images)));
  const images = [...seen].sort((one, other) => one - other);
  const lines = Object.entries(runs).map(([name, scores]) => {
    const values = new Map(scores.map((one) => [one.images, one.value]));
    return { label: name, values: images.map((one) => values.get(one) ?? null), hasPoints: true };
  });
  const values = [...lines.flatMap((line) => line.values), real].filter((one) => one !== null);
  const least = Math.min(...values);
  const level = { label: "real images", values: images.map(() => real), isLevel: true };
  return {
    id: "quality",
    title: `Quality: ${label}`,
    note:
      "How far generated images are from real ones; lower is better." +
      (real === null ? "" : ` Real images score ${digits(real)}.`),
    images,
    lines: [...lines, ...(real === null ? [] : [level])],
    isLogarithmic: least > 0 && Math.max(...values) > FAR_APART * least,
  };
}
