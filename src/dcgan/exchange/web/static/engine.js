// Runs a trained generator: reads its file, and turns latents into images.
//
//   const model = await Model.load(modelBytes, wasmBytes);
//   const image = model.image(latent);        // an ImageData
//
// A model file is safetensors. Its metadata holds "model": a JSON object with the steps to compute.

const FORMAT = "dcgan-web-2";
const PANEL = 8; // outputs that a matrix is rounded up to, as in engine.ts

const roundUp = (number, unit) => Math.ceil(number / unit) * unit;
const volume = (shape) => shape.reduce((product, side) => product * side, 1);

/** How each operation is computed: from `from` to the address that is returned. */
const OPERATIONS = {
  conv({ wasm, at, spare, patches, made }, step, from) {
    wasm.conv(from, at(step.weight), at(step.bias), spare(from), patches, made,
      ...step.input, ...step.output, ...step.kernel, ...step.stride, ...step.padding);
    return spare(from);
  },
  conv_transpose({ wasm, at, spare, made }, step, from) {
    wasm.convTranspose(from, at(step.weight), at(step.bias), spare(from), made,
      ...step.input, ...step.output, ...step.kernel, ...step.stride, ...step.padding);
    return spare(from);
  },
  resize({ wasm, spare }, step, from) {
    const [height, width] = step.output;
    wasm.resize(from, spare(from), ...step.input, height, width, step.mode === "bilinear");
    return spare(from);
  },
  transpose({ wasm, spare }, step, from) {
    wasm.transpose(from, spare(from), step.rows, volume(step.input) / step.rows);
    return spare(from);
  },
  normalize({ wasm }, step, from, [height, width, channels]) {
    wasm.normalize(from, height * width, channels, step.groups, step.epsilon);
    return from;
  },
  affine({ wasm, at }, step, from, shape) {
    const { channels } = step;
    wasm.affine(from, at(step.scale), at(step.shift), volume(shape) / channels, channels);
    return from;
  },
  pixel_norm({ wasm }, step, from, [height, width, channels]) {
    wasm.pixelNorm(from, height * width, channels, step.epsilon);
    return from;
  },
  leaky_relu({ wasm }, step, from, shape) {
    wasm.rectify(from, volume(shape), step.slope);
    return from;
  },
  selu({ wasm }, step, from, shape) {
    wasm.selu(from, volume(shape));
    return from;
  },
  tanh({ wasm }, step, from, shape) {
    wasm.tanh(from, volume(shape));
    return from;
  },
  sigmoid({ wasm }, step, from, shape) {
    wasm.sigmoid(from, volume(shape));
    return from;
  },
};

export class Model {
  /**
   * @param {ArrayBuffer} bytes the model file
   * @param {ArrayBuffer} wasm the content of engine.wasm
   */
  static async load(bytes, wasm) {
    const { instance } = await WebAssembly.instantiate(wasm);
    return new Model(readSafetensors(bytes), instance.exports);
  }

  constructor({ metadata, tensors }, wasm) {
    /** The description of the model: name, image_shape, latent, class_names, and so on. */
    this.about = JSON.parse(metadata.model ?? "{}");
    const { format } = this.about;
    if (format !== FORMAT) {
      throw new Error(`The model file has format ${format}; this page reads ${FORMAT}.`);
    }
    this.wasm = wasm;
    const [channels, height, width] = this.about.image_shape;
    this.size = { channels, height, width };
    const { directions, ...weights } = tensors;
    const [count, noise] = directions.shape;
    const numbers = new Float32Array(directions.bytes.slice().buffer);
    /** Unit vectors: those of `about.saved`, then those of `about.components`. */
    this.directions = Array.from({ length: count }, (_, i) =>
      numbers.subarray(i * noise, (i + 1) * noise));
    this.#place(weights);
  }

  #context;
  #first;

  /** Lay out the memory of the engine: weights, two feature maps, room for convolutions. */
  #place(weights) {
    const steps = this.about.steps;
    let end = this.wasm.base();
    const take = (floats) => {
      const start = end;
      end += roundUp(4 * floats, 16);
      return start;
    };
    const places = {};
    for (const [name, { shape }] of Object.entries(weights)) places[name] = take(volume(shape));
    const sizes = [this.about.latent.shape, this.about.image_shape];
    let patch = 0;
    let row = 0;
    for (const step of steps) {
      if (!OPERATIONS[step.op]) throw new Error(`This page cannot compute "${step.op}".`);
      if (step.output) sizes.push(step.input, step.output);
      const inputs = step.input?.[2];
      if (step.op === "conv") {
        patch = Math.max(patch, volume(step.kernel) * inputs);
        row = Math.max(row, roundUp(step.output[2], PANEL));
      } else if (step.op === "conv_transpose") {
        row = Math.max(row, roundUp(volume(step.kernel) * step.output[2], PANEL));
      }
    }
    const largest = Math.max(...sizes.map(volume));
    const [one, other] = [take(largest), take(largest)];
    const block = this.wasm.block();
    const patches = take(block * patch);
    const made = take(block * row);
    const halves = end; // only while loading
    const staged = Math.max(0, ...Object.values(weights).map(({ bytes }) => bytes.length));
    const { memory } = this.wasm;
    const missing = halves + roundUp(staged, 16) - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / 65536));
    const scales = Object.fromEntries(steps.map((step) => [step.weight, step.scale]));
    const heap = new Uint8Array(memory.buffer);
    for (const [name, { dtype, shape, bytes }] of Object.entries(weights)) {
      if (dtype === "F16") {
        heap.set(bytes, halves);
        this.wasm.decode(halves, places[name], volume(shape), scales[name]);
      } else {
        heap.set(bytes, places[name]);
      }
    }
    this.#first = one;
    this.#context = {
      wasm: this.wasm,
      at: (name) => places[name],
      spare: (used) => (used === one ? other : one),
      patches,
      made,
    };
  }

  /**
   * The output of the generator for one latent: numbers in the order (height, width, channels). They
   * are overwritten by the next call.
   */
  generate(latent) {
    const [channels, height, width] = this.about.latent.shape;
    if (latent.length !== channels * height * width) {
      throw new Error(`A latent has ${channels * height * width} numbers, not ${latent.length}.`);
    }
    const { buffer } = this.wasm.memory;
    const input = new Float32Array(buffer, this.#first, latent.length);
    const area = height * width;
    for (let i = 0; i < latent.length; i++) {
      input[(i % area) * channels + Math.floor(i / area)] = latent[i];
    }
    let from = this.#first;
    let shape = [height, width, channels];
    for (const step of this.about.steps) {
      from = OPERATIONS[step.op](this.#context, step, from, shape);
      shape = step.output ?? shape;
    }
    return new Float32Array(buffer, from, volume(this.about.image_shape));
  }

  /** The image of one latent, as ImageData. */
  image(latent) {
    const { channels, height, width } = this.size;
    const { mean, deviation } = this.about.pixels;
    const values = this.generate(latent);
    const data = new Uint8ClampedArray(4 * height * width).fill(255);
    const isGray = channels < 3;
    for (let i = 0, from = 0; i < data.length; i += 4) {
      for (let channel = 0; channel < channels; channel++) {
        const scale = channel % deviation.length;
        // rounds to the nearest integer and clips to 0 to 255
        data[isGray && channel === 1 ? i + 3 : i + channel] =
          values[from++] * deviation[scale] + mean[channel % mean.length];
      }
      if (isGray) data[i + 1] = data[i + 2] = data[i];
    }
    return new ImageData(data, width, height);
  }
}

function readSafetensors(buffer) {
  const length = Number(new DataView(buffer).getBigUint64(0, true));
  if (length > buffer.byteLength - 8) throw new Error("The model file is incomplete.");
  const text = new TextDecoder().decode(new Uint8Array(buffer, 8, length));
  const { __metadata__: metadata = {}, ...entries } = JSON.parse(text);
  const tensors = {};
  for (const [name, { dtype, shape, data_offsets: [start, end] }] of Object.entries(entries)) {
    if (8 + length + end > buffer.byteLength) throw new Error("The model file is incomplete.");
    tensors[name] = { dtype, shape, bytes: new Uint8Array(buffer, 8 + length + start, end - start) };
  }
  return { metadata, tensors };
}
