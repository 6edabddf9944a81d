// A session on the server: it steps, runs, freezes, and remembers what was measured.
//
// It stays while other parts of the studio are shown. After a reload of the page, it is found by its
// id, which this tab of the browser keeps; only the curves and earlier images are then lost.

import { get, post, remove } from "../../api.js";
import { decoded } from "./tensors.js";

/** Steps of one request, and milliseconds until the next, by pace. */
const PACES = { slow: { count: 1, pause: 1600 }, fast: { count: 5, pause: 0 } };

const MOST_REMEMBERED = 200;

/** The key of what the tab keeps. */
const KEPT = "dcgan-lesson";

const NOBODY = { generator: false, discriminator: false };

/** The lowest and highest learning rate, as powers of ten. */
export const RATE_POWERS = [-5, -1];

export class Session {
  state = null;
  seed = 0;
  /** The number of the card of the lesson, from 0. */
  card = 0;
  /** Generated images of another training, to compare with: maps of tensors.js. */
  reference = null;
  records = [];
  /** Generated images of earlier steps: [{step, maps}]. */
  memory = [];
  pace = "paused";
  problem = "";
  freeze = NOBODY;
  rates = { generator: 0.002, discriminator: 0.002 };
  rate = 0.002;

  #redraw = () => {};
  #id = null;
  #goal = null;
  #isRunning = false;
  #wake = () => {};

  /** Call `redraw` whenever something to be shown has changed. Returns what ends that, and pauses. */
  watch(redraw) {
    this.#redraw = redraw;
    return () => {
      this.#redraw = () => {};
      this.run("paused");
    };
  }

  /** Continue where this tab was, or begin. */
  async open() {
    if (this.#id !== null) return;
    const { id, ...kept } = remembered();
    try {
      if (id === undefined) throw new Error("nothing to continue");
      const answer = await get(`/inside/${id}`);
      this.#id = id;
      Object.assign(this, kept);
      this.#show(answer);
    } catch {
      await this.restart(kept.seed ?? 0); // it is the first visit, or half an hour later
    }
  }

  /** Begin anew with a seed, paused, with nobody frozen and the default rates. */
  async restart(seed) {
    this.run("paused");
    this.problem = "";
    this.seed = seed;
    this.reference = null;
    this.freeze = NOBODY;
    await this.#end();
    try {
      const { id, rate, ...answer } = await post("/inside", { seed });
      this.#id = id;
      this.rate = rate;
      this.rates = { generator: rate, discriminator: rate };
      this.records = [];
      this.memory = [];
      this.#show(answer);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Make some steps, and show the last. */
  async step(count = 1) {
    const id = this.#id;
    if (id === null) return;
    const freeze = Object.keys(this.freeze).filter((player) => this.freeze[player]);
    try {
      const { records, ...answer } = await post(`/inside/${id}/step`, {
        count, freeze, rates: this.rates,
      });
      if (id !== this.#id) return; // restarted while the answer was on its way
      const before = answer.step - records.length;
      this.records = this.records.concat(
        records.map((record, place) => ({ ...record, step: before + place + 1 })),
      );
      this.#show(answer);
    } catch (error) {
      if (id === this.#id) this.#fail(error);
    }
  }

  /** Run at a pace: "paused", "slow" or "fast". */
  run(pace) {
    this.pace = pace;
    this.#goal = null;
    this.#wake();
    this.#changed();
    if (pace !== "paused") this.#runOn();
  }

  /** Run fast; at a step, call something once. */
  runTo(step, then) {
    this.run("fast");
    this.#goal = { step, then };
  }

  setCard(card) {
    this.card = card;
    this.#changed();
  }

  setFreeze(player, isFrozen) {
    this.freeze = { ...this.freeze, [player]: isFrozen };
    this.#changed();
  }

  setRate(player, rate) {
    this.rates = { ...this.rates, [player]: rate };
    this.#changed();
  }

  async #runOn() {
    if (this.#isRunning) return;
    this.#isRunning = true;
    while (this.pace !== "paused") {
      const { count, pause } = PACES[this.pace];
      await this.step(count);
      if (this.#goal && this.state.step >= this.#goal.step) {
        const { then } = this.#goal;
        this.#goal = null;
        then();
      }
      if (this.pace !== "paused") await this.#wait(document.hidden ? 1000 : pause);
    }
    this.#isRunning = false;
  }

  #wait(milliseconds) {
    return new Promise((done) => {
      const timer = setTimeout(done, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        done();
      };
    });
  }

  #changed() {
    const { seed, card, freeze, rate, rates } = this;
    if (this.#id !== null) remember({ id: this.#id, seed, card, freeze, rate, rates });
    this.#redraw();
  }

  async #end() {
    const id = this.#id;
    this.#id = null;
    if (id !== null) await remove(`/inside/${id}`).catch(() => {}); // it may be gone already
  }

  #show(answer) {
    this.state = decoded(answer);
    this.problem = "";
    this.memory.push({ step: this.state.step, maps: this.state.generated.maps });
    if (this.memory.length > MOST_REMEMBERED) {
      const last = this.memory.length - 1;
      this.memory = this.memory.filter((_, place) => place % 2 === 0 || place === last);
    }
    this.#changed();
  }

  #fail(error) {
    this.problem = error.message;
    this.run("paused");
  }
}

function remembered() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT)) ?? {};
  } catch {
    return {}; // the browser keeps nothing
  }
}

function remember(session) {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(session));
  } catch {
    // the browser keeps nothing: a reload begins anew
  }
}
