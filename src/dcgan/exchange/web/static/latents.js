// Latents of a model: samples of a seed, points between them, truncation, directions, conditions.
//
// Noise is kept normal here, whatever the model's distribution: means and directions are meant for
// normal noise. Uniform noise is mapped to it coordinate by coordinate, and back at the end.
//
// Random numbers and distribution functions come from engine.wasm, not from Math, whose last digits
// differ between browsers: a seed gives the same images on every machine.

/** Latents of one model. */
export class Latents {
  /** @param {import("./engine.js").Model} model */
  constructor(model) {
    const { latent } = model.about;
    this.space = latent;
    this.isNormal = latent.distribution === "normal";
    /** How many values each one-hot block has: the class, then each categorical code. */
    this.choices = [...(latent.classes.length ? [latent.classes.length] : []), ...latent.categorical];
    this.wasm = model.wasm;
    this.directions = model.directions;
  }

  /**
   * Sample number `number` of a seed: {noise, conditions}. Noise is normal; conditions are what a
   * latent has behind its noise.
   */
  sample(seed, number) {
    const { dim, classes, categorical, continuous } = this.space;
    let place = 0;
    const next = () => this.wasm.uniform(seed, number, place++);
    const noise = Float64Array.from({ length: dim }, () => this.wasm.quantile(next()));
    const conditions = [];
    if (classes.length) conditions.push(...oneHot(classes.length, chosen(classes, next())));
    for (const values of categorical) {
      conditions.push(...oneHot(values, Math.floor(next() * values)));
    }
    for (let code = 0; code < continuous; code++) conditions.push(2 * next() - 1);
    return { noise, conditions };
  }

  /**
   * A mean of samples. Their noise is divided by the root of the sum of squared weights, so that it
   * stays normal with variance 1; conditions are mixed without.
   */
  blend(samples, weights) {
    const length = Math.sqrt(weights.reduce((sum, weight) => sum + weight * weight, 0));
    const mix = (key) => samples[0][key].map((_, i) =>
      samples.reduce((sum, sample, k) => sum + weights[k] * sample[key][i], 0));
    return { noise: mix("noise").map((value) => value / length), conditions: mix("conditions") };
  }

  /**
   * The generator's input for a point.
   *
   * @param point {noise, conditions}
   * @param {object} settings
   *   truncation: the largest absolute noise, or null. Each number moves to the same quantile of the
   *     truncated distribution, as `dcgan sample --truncation` does.
   *   amounts: how far to move along each direction, in standard deviations.
   *   choices: for the class and each categorical code a number, or null to keep that of the point.
   *   continuous: the same for each continuous code.
   */
  input(point, settings) {
    return this.toInput(this.settled(point, settings));
  }

  /** The point to which settings, as for `input`, move a point. */
  settled({ noise, conditions }, { truncation = null, amounts = [], choices = [], continuous = [] }) {
    let moved = noise;
    if (truncation !== null) {
      const share = this.isNormal ? 2 * this.wasm.cdf(truncation) - 1 : Math.min(1, truncation);
      moved = moved.map((value) => this.wasm.quantile(0.5 + (this.wasm.cdf(value) - 0.5) * share));
    }
    amounts.forEach((amount, k) => {
      if (amount) moved = moved.map((value, i) => value + amount * this.directions[k][i]);
    });
    const behind = [...conditions];
    let start = 0;
    this.choices.forEach((values, k) => {
      const choice = choices[k] ?? null;
      if (choice !== null) behind.splice(start, values, ...oneHot(values, choice));
      start += values;
    });
    continuous.forEach((value, k) => {
      if (value !== null) behind[start + k] = value;
    });
    return { noise: Float64Array.from(moved), conditions: behind };
  }

  /** The generator's input for a point, without settings. */
  toInput({ noise, conditions }) {
    const shown = this.isNormal ? noise : noise.map((value) => 2 * this.wasm.cdf(value) - 1);
    return Float32Array.from([...shown, ...conditions]);
  }

  /** The point of a generator's input, such as the latent that was found for a photograph. */
  fromInput(input) {
    const { dim } = this.space;
    const noise = Float64Array.from(input.slice(0, dim), (value) =>
      (this.isNormal ? value : this.wasm.quantile(within((value + 1) / 2))));
    return { noise, conditions: [...input.slice(dim)] };
  }

  /**
   * Latent arithmetic (Radford et al. 2016, section 6.1): the mean of some points minus the mean of
   * others. The noise is divided by the root of the sum of squared weights, as in `blend`. Classes
   * have the shares that are left of them, or those of the added points if nothing is left, as in
   * `dcgan arithmetic`. Continuous codes are those of the added points.
   */
  combined(plus, minus) {
    const added = plus.map(() => 1 / plus.length);
    const weights = [...added, ...minus.map(() => -1 / minus.length)];
    const { noise, conditions: left } = this.blend([...plus, ...minus], weights);
    const { conditions } = this.blend(plus, added);
    let start = 0;
    for (const values of this.choices) {
      const shares = left.slice(start, start + values).map((share) => Math.max(0, share));
      const total = shares.reduce((sum, share) => sum + share, 0);
      if (total > NOTHING) conditions.splice(start, values, ...shares.map((share) => share / total));
      start += values;
    }
    return { noise, conditions };
  }

  /**
   * A point of a closed path: for two points the circle a cos θ + b sin θ, for more the great
   * circles from each to the next.
   *
   * @param points two or more
   * @param {number} share from 0 to 1, where the path is at its start again
   */
  onLoop(points, share) {
    if (points.length === 2) {
      const angle = 2 * Math.PI * share;
      const [a, b] = [Math.cos(angle), Math.sin(angle)];
      const noise = points[0].noise.map((value, i) => a * value + b * points[1].noise[i]);
      const part = b * b; // a² + b² is 1: each point has its own
      return { noise, conditions: mixed(points[0].conditions, points[1].conditions, part) };
    }
    const place = share * points.length;
    const first = Math.floor(place) % points.length;
    const [from, to] = [points[first], points[(first + 1) % points.length]];
    const part = place - Math.floor(place);
    return { noise: slerp(from.noise, to.noise, part),
      conditions: mixed(from.conditions, to.conditions, part) };
  }
}

/** Shares of classes below this are rounding errors. */
const NOTHING = 1e-9;

/** Kept away from 0 and 1, whose quantiles are infinite. */
const within = (share) => Math.min(1 - 1e-7, Math.max(1e-7, share));

const mixed = (from, to, part) => from.map((value, i) => (1 - part) * value + part * to[i]);

/** Between two vectors on the great circle of their directions (Shoemake 1985); lengths in between. */
function slerp(from, to, part) {
  const length = (vector) => Math.hypot(...vector);
  const [a, b] = [length(from), length(to)];
  const cosine = from.reduce((sum, value, i) => sum + value * to[i], 0) / (a * b);
  const angle = Math.acos(Math.min(1, Math.max(-1, cosine)));
  if (!(Math.sin(angle) > 1e-6)) return Float64Array.from(mixed(from, to, part));
  const size = (1 - part) * a + part * b;
  const [left, right] = [Math.sin((1 - part) * angle) / a, Math.sin(part * angle) / b];
  const scale = size / Math.sin(angle);
  return from.map((value, i) => scale * (left * value + right * to[i]));
}

function oneHot(values, number) {
  return Array.from({ length: values }, (_, i) => (i === number ? 1 : 0));
}

/** The number whose share of the whole contains `place`, from 0 to 1. */
function chosen(shares, place) {
  let left = place * shares.reduce((sum, share) => sum + share, 0);
  const found = shares.findIndex((share) => (left -= share) < 0);
  return found < 0 ? shares.length - 1 : found;
}
