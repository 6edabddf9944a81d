// Tensors of the server's answers: bytes with a scale for each map.

const bytesOf = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
const floatsOf = (text) => new Float32Array(bytesOf(text).buffer);

/** Maps of several images: `shape` is [images, maps, height, width]. */
export class Maps {
  constructor({ shape, low, high, values }) {
    this.shape = shape;
    this.low = floatsOf(low);
    this.high = floatsOf(high);
    this.values = bytesOf(values);
  }

  get count() {
    return this.shape[1];
  }

  /** One map of one image: {values, height, width}, in the numbers of the network. */
  map(image, number) {
    const [, maps, height, width] = this.shape;
    const place = image * maps + number;
    const low = this.low[place];
    const step = (this.high[place] - low) / 255;
    const start = place * height * width;
    const bytes = this.values.subarray(start, start + height * width);
    return { values: Float32Array.from(bytes, (byte) => low + step * byte), height, width };
  }

  /** All maps of one image. */
  of(image) {
    return Array.from({ length: this.count }, (_, number) => this.map(image, number));
  }

  /** The largest absolute value among the maps of one image. */
  largest(image) {
    const part = (numbers) => numbers.subarray(image * this.count, (image + 1) * this.count);
    return Math.max(...[...part(this.low), ...part(this.high)].map(Math.abs));
  }
}

const layer = ({ maps, gradient }) => ({ maps: new Maps(maps), gradient });

/** The state of a session with its tensors decoded. */
export function decoded(answer) {
  const generator = answer.generator.map(layer);
  return {
    ...answer,
    latent: layer(answer.latent),
    generator: generator.slice(0, -1),
    generated: generator.at(-1),
    onGenerated: answer.on_generated.map(layer),
    onReal: answer.on_real.map(layer),
    real: { maps: new Maps(answer.real) },
    imageGradient: { maps: new Maps(answer.image_gradient), gradient: generator.at(-1).gradient },
  };
}
