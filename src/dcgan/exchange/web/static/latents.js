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
  input({ noise, conditions }, { truncation = null, amounts = [], choices = [], continuous = [] }) {
    let moved = noise;
    if (truncation !== null) {
      const share = this.isNormal ? 2 * this.wasm.cdf(truncation) - 1 : Math.min(1, truncation);
      moved = moved.map((value) => this.wasm.quantile(0.5 + (this.wasm.cdf(value) - 0.5) * share));
    }
    amounts.forEach((amount, k) => {
      if (amount) moved = moved.map((value, i) => value + amount * this.directions[k][i]);
    });
    if (!this.isNormal) moved = moved.map((value) => 2 * this.wasm.cdf(value) - 1);
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
    return Float32Array.from([...moved, ...behind]);
  }
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
