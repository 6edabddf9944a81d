// The map: a grid of samples to pick from, and the latents between them to move through.

import { make } from "./controls.js";

const SIDE = 5;
const STEP = 0.1;

/** Milliseconds of a frame that may go into drawing samples. */
const BUDGET = 10;

export class SampleMap {
  /**
   * @param {{height: number, width: number}} size of an image
   * @param {object} use
   * @param {import("./latents.js").Latents} use.latents
   * @param {(point) => ImageData} use.draw
   * @param {() => void} use.onMove called after the position changed
   */
  constructor({ height, width }, { latents, draw, onMove }) {
    this.size = { height, width };
    this.use = { latents, draw, onMove };
    this.column = (SIDE - 1) / 2;
    this.row = (SIDE - 1) / 2;
    this.samples = [];
    this.left = [];
    this.canvas = make("canvas", { width: SIDE * width, height: SIDE * height });
    this.marker = make("div", { className: "dcgan-marker" });
    this.spoken = make("p", { className: "dcgan-spoken", "aria-live": "polite" });
    this.hint = make("p", { className: "dcgan-note" },
      "Click a sample, or drag to move between samples. Arrow keys move in small steps, and with"
      + " Shift by whole samples.");
    this.element = make("div", {
      className: "dcgan-map", tabIndex: 0, role: "application",
      "aria-label": `Map of ${SIDE * SIDE} samples. Use the arrow keys to move, with Shift from sample`
        + " to sample.",
    }, this.canvas, this.marker, this.spoken);
    this.element.style.setProperty("--ratio", width / height);
    this.#listen();
    this.#place();
  }

  #dragged = null;
  #timer = 0;

  get isOutdated() {
    return this.left.length > 0;
  }

  /** Show the samples of a seed. */
  show(seed) {
    this.samples = Array.from({ length: SIDE * SIDE }, (_, number) =>
      this.use.latents.sample(seed, number));
  }

  /** Draw all samples again, those first that have waited longest. */
  outdate() {
    const all = Array.from({ length: SIDE * SIDE }, (_, number) => number);
    this.left = [...this.left, ...all.filter((number) => !this.left.includes(number))];
  }

  /** Draw samples that are out of date, as many as a frame has time for. */
  drawSome() {
    const context = this.canvas.getContext("2d");
    const { height, width } = this.size;
    const end = performance.now() + BUDGET;
    while (this.left.length && performance.now() < end) {
      const number = this.left.shift();
      const image = this.use.draw(this.samples[number]);
      context.putImageData(image, (number % SIDE) * width, Math.floor(number / SIDE) * height);
    }
  }

  /** The noise and conditions at the current position, between four samples. */
  point() {
    const column = Math.min(Math.floor(this.column), SIDE - 2);
    const row = Math.min(Math.floor(this.row), SIDE - 2);
    const [x, y] = [this.column - column, this.row - row];
    const first = row * SIDE + column;
    const corners = [first, first + 1, first + SIDE, first + SIDE + 1];
    const weights = [(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y];
    return this.use.latents.blend(corners.map((number) => this.samples[number]), weights);
  }

  /** Go to a position, from 0 to 4 each way. */
  move(column, row) {
    // a tenth twenty times is two, which floating-point numbers miss
    const within = (value) => Math.round(Math.min(SIDE - 1, Math.max(0, value)) * 1e4) / 1e4;
    this.column = within(column);
    this.row = within(row);
    this.#place();
    this.use.onMove();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const [x, y] = [this.column, this.row].map((value) => (value + 1).toFixed(1));
      this.spoken.textContent = `Column ${x}, row ${y}`;
    }, 300);
  }

  #place() {
    // samples are at the centers of their squares
    this.marker.style.left = `${((this.column + 0.5) / SIDE) * 100}%`;
    this.marker.style.top = `${((this.row + 0.5) / SIDE) * 100}%`;
  }

  #listen() {
    const at = (event) => {
      const { left, top, width, height } = this.canvas.getBoundingClientRect();
      return [((event.clientX - left) / width) * SIDE, ((event.clientY - top) / height) * SIDE];
    };
    this.element.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.element.setPointerCapture(event.pointerId);
      this.#dragged = { id: event.pointerId, x: event.clientX, y: event.clientY, moves: false };
    });
    this.element.addEventListener("pointermove", (event) => {
      const start = this.#dragged;
      if (start?.id !== event.pointerId) return;
      // a hand that clicks trembles
      start.moves ||= Math.hypot(event.clientX - start.x, event.clientY - start.y) > 4;
      if (!start.moves) return;
      const [x, y] = at(event);
      this.move(x - 0.5, y - 0.5);
    });
    this.element.addEventListener("pointerup", (event) => {
      const start = this.#dragged;
      this.#dragged = null;
      if (start?.id !== event.pointerId || start.moves) return;
      const [x, y] = at(event);
      this.move(Math.floor(x), Math.floor(y)); // a click picks a sample
    });
    this.element.addEventListener("pointercancel", () => {
      this.#dragged = null;
    });
    this.element.addEventListener("keydown", (event) => {
      const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
      const way = ways[event.key];
      if (!way || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      if (event.shiftKey) this.move(Math.round(this.column) + way[0], Math.round(this.row) + way[1]);
      else this.move(this.column + STEP * way[0], this.row + STEP * way[1]);
    });
  }
}
