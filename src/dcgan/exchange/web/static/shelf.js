// The shelf: images that were kept, arithmetic with them, and a loop through them.

import { make, saveAs } from "./controls.js";

/** Milliseconds from one kept image to the next. */
const EACH = 1500;

/** Latents whose numbers differ by less are the same: uniform ones lose some digits on their way. */
const SAME = 1e-5;

const SIGNS = { plus: "+", minus: "\u2212" };

/** Kinds of what is dragged: an image of the shelf, by its place, or the image that is shown. */
const KEPT = "application/x-dcgan-kept";
export const SHOWN = "application/x-dcgan-shown";

export class Shelf {
  /**
   * @param {string} name of the model
   * @param {object} use
   * @param {import("./latents.js").Latents} use.latents
   * @param {(point) => ImageData} use.draw
   * @param {() => object} use.current the point that is shown
   * @param {(point) => void} use.onPick called with the point of an image that was clicked
   * @param {() => void} use.onFrame called for each frame of the loop
   */
  constructor(name, { latents, draw, current, onPick, onFrame }) {
    this.name = name;
    this.use = { latents, draw, current, onPick, onFrame };
    /** What is called after the kept images changed. */
    this.onChange = () => {};
    this.#list = make("div", { className: "dcgan-kept", role: "list" });
    this.#terms = { plus: this.#term("plus", "Plus"), minus: this.#term("minus", "Minus") };
    this.#result = make("div", { className: "dcgan-result" });
    this.#arithmetic = make("div", { className: "dcgan-sum", role: "group", "aria-label": "Sum" },
      ...Object.values(this.#terms), this.#result);
    this.#play = this.#button("Play loop", () => this.#toggle());
    this.#save = this.#button("Download latents", () => this.#download());
    this.#hint = make("p", { className: "dcgan-note" });
    this.#said = make("p", { className: "dcgan-note", role: "status" });
    this.element = make("section", { className: "dcgan-shelf", "aria-label": "Kept images" },
      this.#list, this.#arithmetic, make("div", { className: "dcgan-row" }, this.#play, this.#save),
      this.#said, this.#hint);
    this.#refresh();
  }

  #kept = [];
  #list;
  #terms;
  #arithmetic;
  #result;
  #play;
  #save;
  #hint;
  #said;
  #start = 0;
  #frame = 0;

  /** The generator's inputs of the kept images. */
  get latents() {
    return this.#kept.map(({ point }) => this.use.latents.toInput(point));
  }

  /**
   * Keep a point, by default the one that is shown. One that is kept already is not kept twice.
   * `role` is "plus" or "minus" in a sum.
   */
  keep(point = this.use.current(), role = null) {
    const found = this.#kept.find((one) => this.#isSame(one.point, point));
    if (!found) this.#kept.push({ point, role });
    else if (role) found.role = role;
    this.#refresh();
  }

  /** Keep the image that was dragged to a sum, and say so: it also appears on the shelf. */
  #keepDropped(role) {
    const before = this.#kept.length;
    this.keep(undefined, role);
    if (this.#kept.length > before) this.#said.textContent = `Kept as image ${this.#kept.length}.`;
  }

  #isSame(one, other) {
    const [a, b] = [one, other].map((point) => this.use.latents.toInput(point));
    return a.every((value, place) => Math.abs(value - b[place]) < SAME);
  }

  /** The point of the loop at this moment; null while it does not play. */
  playing() {
    if (!this.#frame) return null;
    const points = this.#kept.map(({ point }) => point);
    const round = EACH * Math.max(points.length, 3);
    return this.use.latents.onLoop(points, ((performance.now() - this.#start) % round) / round);
  }

  /** End the loop. */
  stop() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#play.textContent = "Play loop";
  }

  #toggle() {
    const was = this.#frame;
    this.stop();
    if (was) return this.use.onFrame();
    this.#start = performance.now();
    this.#play.textContent = "Stop";
    const next = () => {
      this.#frame = requestAnimationFrame(next);
      this.use.onFrame();
    };
    this.#frame = requestAnimationFrame(next);
    return undefined;
  }

  #sum() {
    const of = (role) => this.#kept.filter((one) => one.role === role).map(({ point }) => point);
    const plus = of("plus");
    return plus.length ? this.use.latents.combined(plus, of("minus")) : null;
  }

  #refresh() {
    this.#said.textContent = "";
    const count = this.#kept.length;
    if (count < 2) this.stop();
    this.#list.replaceChildren(...this.#kept.map((one, place) => this.#entry(one, place)));
    this.#play.disabled = count < 2;
    this.#save.disabled = !count;
    this.#hint.textContent = count
      ? "Click an image, also the result, to show it and to change it. Drag images to Plus and Minus, or press their + and \u2212, to"
        + " calculate with them: try three images of one kind, minus three of another."
      : "Keep images to compare them, to add and subtract them, and to play a loop through them.";
    this.#arithmetic.hidden = !count;
    for (const [role, element] of Object.entries(this.#terms)) this.#fill(element, role);
    const sum = this.#sum();
    this.#result.hidden = !sum;
    if (sum) {
      const show = this.#button("", () => this.#pick(sum));
      show.className = "dcgan-pick";
      show.setAttribute("aria-label", "Show the result");
      show.append(this.#picture(sum, "the result"));
      this.#result.replaceChildren(show, this.#button("Keep the result", () => this.keep(sum)));
    }
    this.onChange();
  }

  /** One side of the sum: images are dropped on it. */
  #term(role, title) {
    const element = make("div", { className: "dcgan-term", role: "group", "aria-label": title },
      make("span", { className: "dcgan-sign" }, `${title} ${SIGNS[role]}`),
      make("div", { className: "dcgan-members" }));
    const isOurs = (event) => [KEPT, SHOWN].some((kind) => event.dataTransfer.types.includes(kind));
    element.addEventListener("dragover", (event) => {
      if (!isOurs(event)) return;
      event.preventDefault();
      element.classList.add("dcgan-over");
    });
    element.addEventListener("dragleave", () => element.classList.remove("dcgan-over"));
    element.addEventListener("drop", (event) => {
      element.classList.remove("dcgan-over");
      if (!isOurs(event)) return;
      event.preventDefault();
      const one = this.#kept[event.dataTransfer.getData(KEPT)];
      if (one) one.role = role;
      if (one) this.#refresh();
      else this.#keepDropped(role);
    });
    return element;
  }

  #fill(element, role) {
    const members = this.#kept.filter((one) => one.role === role);
    element.querySelector(".dcgan-members").replaceChildren(...members.map((one) => {
      const title = `kept image ${this.#kept.indexOf(one) + 1}`;
      const button = this.#button("", () => {
        one.role = null;
        this.#refresh();
        element.querySelector("button")?.focus();
      });
      button.className = "dcgan-member";
      button.setAttribute("aria-label", `Take ${title} out of the sum`);
      button.append(this.#picture(one.point, title));
      return button;
    }));
  }

  #entry(one, place) {
    const title = `kept image ${place + 1}`;
    const pick = make("button", { type: "button", className: "dcgan-pick",
      "aria-label": `Change ${title}` }, this.#picture(one.point, title));
    pick.addEventListener("click", () => this.#pick(one.point));
    pick.draggable = true;
    pick.addEventListener("dragstart", (event) => event.dataTransfer.setData(KEPT, String(place)));
    const signs = Object.entries(SIGNS).map(([role, sign]) => {
      const button = this.#button(sign, () => {
        one.role = one.role === role ? null : role;
        this.#refresh();
        this.#list.children[place].querySelector(`.dcgan-${role}`).focus();
      });
      button.classList.add(`dcgan-${role}`);
      button.setAttribute("aria-pressed", String(one.role === role));
      button.setAttribute("aria-label", `${role === "plus" ? "Add" : "Subtract"} ${title}`);
      return button;
    });
    const away = this.#button("\u00d7", () => {
      this.#kept.splice(place, 1);
      this.#refresh();
    });
    away.setAttribute("aria-label", `Remove ${title}`);
    return make("div", { className: "dcgan-entry", role: "listitem" }, pick,
      make("div", { className: "dcgan-signs" }, ...signs, away));
  }

  #pick(point) {
    this.stop();
    this.use.onPick(point);
  }

  #picture(point, title) {
    const image = this.use.draw(point);
    const { height, width } = image;
    const canvas = make("canvas", { width, height, role: "img", "aria-label": title });
    canvas.style.setProperty("--ratio", width / height);
    canvas.getContext("2d").putImageData(image, 0, 0);
    return canvas;
  }

  #button(text, act) {
    const button = make("button", { type: "button" }, text);
    button.addEventListener("click", act);
    return button;
  }

  #download() {
    const content = { model: this.name, latents: this.latents.map((latent) => [...latent]) };
    const blob = new Blob([JSON.stringify(content)], { type: "application/json" });
    saveAs(blob, `${this.name}-latents.json`);
  }
}
