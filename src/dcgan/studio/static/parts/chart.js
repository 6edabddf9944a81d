// One plot over images seen. The cursors of all plots on a page move together.

import uPlot from "../vendor/uplot.js";
import { html, useEffect, useRef } from "../ui.js";
import { digits, grouped } from "../words.js";

const HEIGHT = 220;
const DASH = [6, 4];
const DARK = matchMedia("(prefers-color-scheme: dark)");
const COLORS = 8; // --curve-1 to --curve-8 in run.css

/** From this many values on, `withoutOutliers` leaves out the lowest and the highest hundredth. */
const MANY = 100;

/**
 * `lines` are `{label, values, hasPoints, isLevel}`; `end` is where all plots end. Outliers would
 * flatten everything else.
 */
export function Chart(chart) {
  const { title, note, images, lines, end, limits, isLogarithmic, withoutOutliers } = chart;
  const place = useRef();
  const values = useRef([]);
  const at = useRef();
  const plot = useRef();
  const last = useRef({});
  last.current = { images, lines, end };
  const labels = lines.map((line) => line.label).join("\n");

  useEffect(() => {
    const element = place.current;
    const show = (made) => showValues(made, last.current, values.current, at.current);
    const range = limits ?? (withoutOutliers && (() => most(last.current.lines)));
    const make = () => {
      plot.current?.destroy();
      plot.current = new uPlot(
        options(element, last.current, { range, isLogarithmic, show }),
        dataOf(last.current, isLogarithmic),
        element,
      );
    };
    make();
    const fit = () => plot.current.setSize({ width: element.clientWidth, height: HEIGHT });
    const resized = new ResizeObserver(fit);
    resized.observe(element);
    DARK.addEventListener("change", make);
    return () => {
      resized.disconnect();
      DARK.removeEventListener("change", make);
      plot.current.destroy();
      plot.current = undefined;
    };
  }, [labels, isLogarithmic]);

  useEffect(() => {
    plot.current?.setData(dataOf(last.current, isLogarithmic));
    if (plot.current) showValues(plot.current, last.current, values.current, at.current);
  }, [images, lines, end]);

  const moved = (event) => move(plot.current, event);
  return html`<figure class="chart">
    <h3>${title}</h3>
    <div
      ref=${place}
      class="plot"
      tabindex="0"
      role="img"
      aria-label=${`${title}. ${spoken(images, lines)}`}
      onKeyDown=${moved}
    ></div>
    <figcaption>
      <span class="at" ref=${at}></span>
      <ul class="legend">
        ${lines.map(
          (line, place) => html`<li key=${line.label} class=${`curve-${(place % COLORS) + 1}`}>
            ${line.label} <b ref=${(element) => (values.current[place] = element)}></b>
          </li>`,
        )}
      </ul>
      <p class="soft">${note}</p>
    </figcaption>
  </figure>`;
}

function options(element, { lines }, { range, isLogarithmic, show }) {
  const color = (name) => getComputedStyle(element).getPropertyValue(name).trim();
  const axis = {
    stroke: color("--soft"),
    grid: { stroke: color("--line"), width: 0.5 },
    ticks: { show: false },
    font: "12px system-ui, sans-serif",
  };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    padding: [8, 24, 0, 0],
    legend: { show: false },
    cursor: {
      sync: { key: "images seen", scales: ["x", null] },
      y: false,
      drag: { x: false, y: false },
    },
    scales: {
      x: { time: false },
      y: { distr: isLogarithmic ? 3 : 1, ...(range ? { range } : {}) },
    },
    axes: [
      { ...axis, values: (_, ticks) => ticks.map(short), size: 32 },
      {
        ...axis,
        grid: { ...axis.grid, ...(isLogarithmic ? { filter: decades } : {}) },
        values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : axisText(tick))),
        size: 56,
      },
    ],
    series: [
      {},
      ...lines.map((line, place) => ({
        stroke: color(`--curve-${(place % COLORS) + 1}`),
        width: 1.5,
        dash: line.isLevel ? DASH : undefined,
        points: { show: Boolean(line.hasPoints), size: 7 },
        spanGaps: true,
      })),
    ],
    hooks: { setCursor: [show] },
  };
}

/** The range of the lines, of long ones without outliers, with a margin. */
export function most(lines) {
  const shown = lines.flatMap(({ values }) => {
    const ordered = values.filter((value) => value !== null).sort((one, other) => one - other);
    const cut = Math.floor(ordered.length / MANY);
    return [ordered[cut], ordered[ordered.length - 1 - cut]].filter((value) => value !== undefined);
  });
  if (shown.length === 0) return [0, 1];
  const [low, high] = [Math.min(...shown), Math.max(...shown)];
  const margin = 0.05 * (high - low) || 0.5;
  return [low - margin, high + margin];
}

const decades = (_, ticks) =>
  ticks.map((tick) => (Number.isInteger(Math.log10(tick)) ? tick : null));

/** All plots begin at 0 and end at the newest image seen, so that their cursors agree. */
function dataOf({ images, lines, end }, isLogarithmic) {
  const from = images[0] > 0 ? [0] : [];
  const to = images.at(-1) < end ? [end] : [];
  const level = (line) => line.values.at(-1) ?? null;
  return [
    [...from, ...images, ...to],
    ...lines.map((line) => {
      const edge = line.isLevel ? level(line) : null;
      const values = isLogarithmic ? line.values.map(positive) : line.values;
      return [...from.map(() => edge), ...values, ...to.map(() => edge)];
    }),
  ];
}

const positive = (value) => (value > 0 ? value : null);

/** The values at the cursor; the last ones without a cursor. */
function showValues(plot, { images, lines }, elements, at) {
  const shift = images[0] > 0 ? 1 : 0;
  const row = clamp((plot.cursor.idx ?? Infinity) - shift, images.length - 1);
  if (at) at.textContent = `${grouped(images[row] ?? 0)} images seen`;
  lines.forEach((line, number) => {
    if (elements[number]) elements[number].textContent = digits(nearest(line.values, row));
  });
}

/** The newest value up to a row: not every line of the log has all. */
function nearest(values, row) {
  let at = row;
  while (at > 0 && (values[at] ?? null) === null) at -= 1;
  return values[at];
}

const STEPS = {
  ArrowLeft: -1,
  ArrowRight: 1,
  PageUp: -20,
  PageDown: 20,
  Home: -Infinity,
  End: Infinity,
};

/** Arrow keys move the cursor of all plots. */
function move(plot, event) {
  const step = STEPS[event.key];
  if (step === undefined) return;
  event.preventDefault();
  const images = plot.data[0];
  const to = clamp((plot.cursor.idx ?? images.length - 1) + step, images.length - 1);
  const left = plot.valToPos(images[to], "x");
  plot.setCursor({ left, top: plot.over.clientHeight / 2 }, true, true);
}

const clamp = (value, most) => Math.max(0, Math.min(value, most));

const spoken = (images, lines) =>
  images.length === 0
    ? "No values yet."
    : `After ${grouped(images.at(-1))} images seen: ${lines
        .map((line) => `${line.label} ${digits(nearest(line.values, line.values.length - 1))}`)
        .join(", ")}.`;

const axisText = (value) =>
  value !== 0 && Math.abs(value) < 0.001 ? value.toExponential(0) : digits(value);

/** 12500 → "12.5k", 2000000 → "2M". */
function short(value) {
  if (value >= 1e6) return `${digits(value / 1e6)}M`;
  return value >= 1e3 ? `${digits(value / 1e3)}k` : digits(value);
}
