// A session on the server: it steps, runs, freezes, and remembers what was measured.

import { post, remove } from "../../api.js";
import { decoded } from "./tensors.js";

/** Steps of one request, and milliseconds until the next, by pace. */
const PACES = { slow: { count: 1, pause: 1600 }, fast: { count: 5, pause: 0 } };

const MOST_REMEMBERED = 200;

/** The lowest and highest learning rate, as powers of ten. */
export const RATE_POWERS = [-5, -1];

export class Session {
  /** `changed` is called whenever something to be shown has changed. */
  constructor(changed) {
    this.#changed = changed;
  }

  state = null;
  records = [];
  /** Generated images of earlier steps: [{step, maps}]. */
  memory = [];
  pace = "paused";
  problem = "";
  freeze = { generator: false, discriminator: false };
  rates = { generator: 0.002, discriminator: 0.002 };
  rate = 0.002;

  #changed;
  #id = null;
  #goal = null;
  #isRunning = false;
  #wake = () => {};

  /** Begin anew with a seed, paused, with nobody frozen and the default rates. */
  async restart(seed) {
    this.run("paused");
    this.problem = "";
    this.freeze = { generator: false, discriminator: false };
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
      this.records = this.records.concat(records);
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

  setFreeze(player, isFrozen) {
    this.freeze = { ...this.freeze, [player]: isFrozen };
    this.#changed();
  }

  setRate(player, rate) {
    this.rates = { ...this.rates, [player]: rate };
    this.#changed();
  }

  /** Pause, and let the server forget the session. */
  close() {
    this.#changed = () => {};
    this.run("paused");
    this.#end();
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
