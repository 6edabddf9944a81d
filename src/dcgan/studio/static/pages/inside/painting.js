// Maps as pixels on a canvas.

import { html, useEffect, useRef } from "../../ui.js";

/** Colors of a value from -1 to 1, as [red, green, blue]. */
export const COLORS = {
  /** An image: black to white. */
  image: (value) => Array(3).fill(127.5 * (value + 1)),
  /** Activations: blue below zero, black at zero, orange above. */
  activation: (value) => between(value, [90, 170, 255], [24, 26, 29], [255, 186, 90]),
  /** What the gradient asks for: violet is darker, green is brighter. */
  change: (value) => between(value, [190, 130, 255], [24, 26, 29], [100, 235, 130]),
};

function between(value, negative, zero, positive) {
  const end = value < 0 ? negative : positive;
  const part = Math.sqrt(Math.min(1, Math.abs(value))); // so that weak values are seen, too
  return zero.map((start, k) => start + part * (end[k] - start));
}

/**
 * Maps in a grid, with a gap of one pixel, as a canvas.
 *
 * @param {object[]} maps of tensors.js
 * @param {number} columns of the grid
 * @param {number} scale the value that has the full color
 * @param {string} colors a key of COLORS
 * @param {string} label for screen readers
 * @param {function} [onPick] is given the number of a map that is clicked
 */
export function MapGrid({ maps, columns, scale, colors, label, onPick }) {
  const canvas = useRef(null);
  const { height, width } = maps[0];
  const gap = maps.length > 1 ? 1 : 0;
  const rows = Math.ceil(maps.length / columns);
  const size = [columns * (width + gap) - gap, rows * (height + gap) - gap];
  useEffect(() => paint(canvas.current, maps, columns, gap, scale, COLORS[colors]));
  return html`<canvas ref=${canvas} class="maps" width=${size[0]} height=${size[1]}
    role="img" aria-label=${label}
    onClick=${onPick && ((event) => {
      const [x, y] = pixelAt(event);
      const number = Math.floor(y / (height + gap)) * columns + Math.floor(x / (width + gap));
      if (number < maps.length) onPick(number);
    })}></canvas>`;
}

/** The pixel of a canvas under the mouse; it is shown as large as fits, in the middle. */
function pixelAt({ currentTarget: canvas, offsetX, offsetY }) {
  const { clientWidth, clientHeight } = canvas;
  const enlarged = Math.min(clientWidth / canvas.width, clientHeight / canvas.height);
  const inside = (at, shown, pixels) =>
    Math.min(pixels - 1, Math.max(0, (at - (shown - pixels * enlarged) / 2) / enlarged));
  return [inside(offsetX, clientWidth, canvas.width), inside(offsetY, clientHeight, canvas.height)];
}

function paint(canvas, maps, columns, gap, scale, color) {
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  maps.forEach(({ values, height, width }, number) => {
    const pixels = new ImageData(width, height);
    values.forEach((value, place) => {
      const part = Math.max(-1, Math.min(1, value / (scale || 1)));
      pixels.data.set([...color(part), 255], 4 * place);
    });
    const column = number % columns;
    const row = Math.floor(number / columns);
    context.putImageData(pixels, column * (width + gap), row * (height + gap));
  });
}
