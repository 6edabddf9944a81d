// The arithmetic of a generator, in AssemblyScript; `make engine` compiles it to engine.wasm.
//
// Feature maps are (height, width, channels) in float32, one image at a time. Weights of a
// convolution are a matrix (inputs, outputs) cut into panels of 8 outputs, [outputs / 8][inputs][8],
// so that the inner loop reads memory in order. Addresses and sizes come from engine.js, which owns
// the memory. Only instructions with one exact result are used (no relaxed SIMD, no Math of the
// browser): the same model and latent give the same bits on every machine.

const PANEL: i32 = 8;

/** Pixels whose products are computed together: their inputs stay in the second-level cache. */
const BLOCK: i32 = 64;

// @ts-ignore: decorator
@inline function at(base: usize, index: i32): usize {
  return base + ((<usize>index) << 2);
}

/** The first free address, behind the constants of this module. */
export function base(): usize {
  return (__heap_base + 15) & ~15;
}

export function block(): i32 {
  return BLOCK;
}

/** Half precision to float32, times `scale`, a power of two. `count` is a multiple of 4. */
export function decode(from: usize, to: usize, count: i32, scale: f32): void {
  // the exponent of a half is 112 less; this way numbers below the normal range are right, too
  const exponent = f32x4.splat(reinterpret<f32>(0x77800000));
  const factor = f32x4.splat(scale);
  for (let i = 0; i < count; i += 4) {
    const half = v128.load_ext<u16>(from + ((<usize>i) << 1));
    const magnitude = i32x4.shl(v128.and(half, i32x4.splat(0x7fff)), 13);
    const sign = i32x4.shl(v128.and(half, i32x4.splat(0x8000)), 16);
    const value = v128.or(f32x4.mul(magnitude, exponent), sign);
    v128.store(at(to, i), f32x4.mul(value, factor));
  }
}

/** made[pixels][outputs] = x[pixels][inputs] · w; `outputs` is a multiple of 8. */
function product(x: usize, w: usize, made: usize, pixels: i32, inputs: i32, outputs: i32): void {
  const row = (<usize>inputs) << 2;
  const step = (<usize>outputs) << 2;
  for (let first = 0; first < outputs; first += PANEL) {
    const panel = at(w, first * inputs);
    const end = at(panel, PANEL * inputs);
    let to = at(made, first);
    let from = x;
    let pixel = 0;
    for (; pixel + 4 <= pixels; pixel += 4) {
      let a0 = f32x4.splat(0), a1 = a0, b0 = a0, b1 = a0;
      let c0 = a0, c1 = a0, d0 = a0, d1 = a0;
      let p0 = from, p1 = from + row, p2 = p1 + row, p3 = p2 + row;
      for (let place = panel; place < end; place += 32) {
        const w0 = v128.load(place);
        const w1 = v128.load(place, 16);
        let value = v128.load_splat<f32>(p0);
        a0 = f32x4.add(a0, f32x4.mul(value, w0));
        a1 = f32x4.add(a1, f32x4.mul(value, w1));
        value = v128.load_splat<f32>(p1);
        b0 = f32x4.add(b0, f32x4.mul(value, w0));
        b1 = f32x4.add(b1, f32x4.mul(value, w1));
        value = v128.load_splat<f32>(p2);
        c0 = f32x4.add(c0, f32x4.mul(value, w0));
        c1 = f32x4.add(c1, f32x4.mul(value, w1));
        value = v128.load_splat<f32>(p3);
        d0 = f32x4.add(d0, f32x4.mul(value, w0));
        d1 = f32x4.add(d1, f32x4.mul(value, w1));
        p0 += 4; p1 += 4; p2 += 4; p3 += 4;
      }
      v128.store(to, a0); v128.store(to, a1, 16); to += step;
      v128.store(to, b0); v128.store(to, b1, 16); to += step;
      v128.store(to, c0); v128.store(to, c1, 16); to += step;
      v128.store(to, d0); v128.store(to, d1, 16); to += step;
      from += row << 2;
    }
    for (; pixel < pixels; pixel++) {
      let a0 = f32x4.splat(0), a1 = a0;
      let p0 = from;
      for (let place = panel; place < end; place += 32) {
        const value = v128.load_splat<f32>(p0);
        a0 = f32x4.add(a0, f32x4.mul(value, v128.load(place)));
        a1 = f32x4.add(a1, f32x4.mul(value, v128.load(place, 16)));
        p0 += 4;
      }
      v128.store(to, a0); v128.store(to, a1, 16); to += step;
      from += row;
    }
  }
}

// @ts-ignore: decorator
@inline function addTo(to: usize, from: usize, count: i32): void {
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    v128.store(at(to, i), f32x4.add(v128.load(at(to, i)), v128.load(at(from, i))));
  }
  for (; i < count; i++) store<f32>(at(to, i), load<f32>(at(to, i)) + load<f32>(at(from, i)));
}

/** Fill every pixel with the bias. */
function fill(out: usize, bias: usize, pixels: i32, channels: i32): void {
  for (let pixel = 0; pixel < pixels; pixel++) {
    memory.copy(at(out, pixel * channels), bias, (<usize>channels) << 2);
  }
}

/**
 * A convolution. Weights are (kernel height · kernel width · inputs, outputs), the outputs rounded
 * up to panels. `patches` has room for BLOCK rows of inputs, `made` for BLOCK rows of outputs.
 */
export function conv(
  x: usize, w: usize, bias: usize, out: usize, patches: usize, made: usize,
  height: i32, width: i32, inputs: i32, outHeight: i32, outWidth: i32, outputs: i32,
  kernelHeight: i32, kernelWidth: i32, strideHeight: i32, strideWidth: i32, top: i32, left: i32,
): void {
  const length = kernelHeight * kernelWidth * inputs;
  const rounded = (outputs + PANEL - 1) / PANEL * PANEL;
  const pixels = outHeight * outWidth;
  const bytes = (<usize>inputs) << 2;
  fill(out, bias, pixels, outputs);
  for (let first = 0; first < pixels; first += BLOCK) {
    const count = min(BLOCK, pixels - first);
    for (let i = 0; i < count; i++) {
      const row = (first + i) / outWidth * strideHeight - top;
      const column = (first + i) % outWidth * strideWidth - left;
      let to = at(patches, i * length);
      for (let ky = 0; ky < kernelHeight; ky++) {
        const y = row + ky;
        for (let kx = 0; kx < kernelWidth; kx++) {
          const inside = y >= 0 && y < height && column + kx >= 0 && column + kx < width;
          if (inside) memory.copy(to, at(x, (y * width + column + kx) * inputs), bytes);
          else memory.fill(to, 0, bytes);
          to += bytes;
        }
      }
    }
    product(patches, w, made, count, length, rounded);
    for (let i = 0; i < count; i++) {
      addTo(at(out, (first + i) * outputs), at(made, i * rounded), outputs);
    }
  }
}

/**
 * A transposed convolution. Weights are (inputs, kernel height · kernel width · outputs), the
 * second rounded up to panels. `made` has room for BLOCK rows of it.
 */
export function convTranspose(
  x: usize, w: usize, bias: usize, out: usize, made: usize,
  height: i32, width: i32, inputs: i32, outHeight: i32, outWidth: i32, outputs: i32,
  kernelHeight: i32, kernelWidth: i32, strideHeight: i32, strideWidth: i32, top: i32, left: i32,
): void {
  const rounded = (kernelHeight * kernelWidth * outputs + PANEL - 1) / PANEL * PANEL;
  const pixels = height * width;
  fill(out, bias, outHeight * outWidth, outputs);
  for (let first = 0; first < pixels; first += BLOCK) {
    const count = min(BLOCK, pixels - first);
    product(at(x, first * inputs), w, made, count, inputs, rounded);
    for (let i = 0; i < count; i++) {
      const row = (first + i) / width * strideHeight - top;
      const column = (first + i) % width * strideWidth - left;
      for (let ky = 0; ky < kernelHeight; ky++) {
        const y = row + ky;
        if (y < 0 || y >= outHeight) continue;
        // the window's columns that are inside lie side by side, there and here
        const start = max(0, -column);
        const end = min(kernelWidth, outWidth - column);
        if (start >= end) continue;
        const to = at(out, (y * outWidth + column + start) * outputs);
        const from = at(made, i * rounded + (ky * kernelWidth + start) * outputs);
        addTo(to, from, (end - start) * outputs);
      }
    }
  }
}

/** Resize as PyTorch does with align_corners=False; `smooth` is bilinear, else nearest. */
export function resize(
  x: usize, out: usize, height: i32, width: i32, channels: i32, outHeight: i32, outWidth: i32,
  smooth: bool,
): void {
  const scaleY = <f32>height / <f32>outHeight;
  const scaleX = <f32>width / <f32>outWidth;
  const bytes = (<usize>channels) << 2;
  for (let y = 0; y < outHeight; y++) {
    const placeY = max<f32>(0, (<f32>y + 0.5) * scaleY - 0.5);
    const y0 = smooth ? min(<i32>placeY, height - 1) : min(<i32>(<f32>y * scaleY), height - 1);
    const y1 = min(y0 + 1, height - 1);
    const shareY: f32 = placeY - <f32>y0;
    for (let x_ = 0; x_ < outWidth; x_++) {
      const placeX = max<f32>(0, (<f32>x_ + 0.5) * scaleX - 0.5);
      const x0 = smooth ? min(<i32>placeX, width - 1) : min(<i32>(<f32>x_ * scaleX), width - 1);
      const to = at(out, (y * outWidth + x_) * channels);
      const a = at(x, (y0 * width + x0) * channels);
      if (!smooth) {
        memory.copy(to, a, bytes);
        continue;
      }
      const x1 = min(x0 + 1, width - 1);
      const shareX: f32 = placeX - <f32>x0;
      const b = at(x, (y0 * width + x1) * channels);
      const c = at(x, (y1 * width + x0) * channels);
      const d = at(x, (y1 * width + x1) * channels);
      const restY: f32 = 1 - shareY, restX: f32 = 1 - shareX;
      const wa = restY * restX, wb = restY * shareX, wc = shareY * restX, wd = shareY * shareX;
      for (let i = 0; i < channels; i++) {
        const top = load<f32>(at(a, i)) * wa + load<f32>(at(b, i)) * wb;
        store<f32>(at(to, i), top + load<f32>(at(c, i)) * wc + load<f32>(at(d, i)) * wd);
      }
    }
  }
}

/** A matrix (rows, columns) → (columns, rows). */
export function transpose(x: usize, out: usize, rows: i32, columns: i32): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      store<f32>(at(out, j * rows + i), load<f32>(x));
      x += 4;
    }
  }
}

/** (x - mean) / √(variance + ε), over all pixels of each group of channels; in place. */
export function normalize(x: usize, pixels: i32, channels: i32, groups: i32, epsilon: f32): void {
  const size = channels / groups;
  const count = <f64>pixels * <f64>size;
  for (let group = 0; group < groups; group++) {
    const start = at(x, group * size);
    let sum: f64 = 0, squares: f64 = 0;
    for (let pixel = 0; pixel < pixels; pixel++) {
      for (let i = 0; i < size; i++) sum += load<f32>(at(start, pixel * channels + i));
    }
    const mean = sum / count;
    for (let pixel = 0; pixel < pixels; pixel++) {
      for (let i = 0; i < size; i++) {
        const apart = load<f32>(at(start, pixel * channels + i)) - mean;
        squares += apart * apart;
      }
    }
    const factor = 1 / sqrt<f64>(squares / count + epsilon);
    for (let pixel = 0; pixel < pixels; pixel++) {
      for (let i = 0; i < size; i++) {
        const place = at(start, pixel * channels + i);
        store<f32>(place, <f32>((load<f32>(place) - mean) * factor));
      }
    }
  }
}

/** x · scale + shift, for each channel; in place. */
export function affine(x: usize, scale: usize, shift: usize, pixels: i32, channels: i32): void {
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let i = 0; i < channels; i++) {
      store<f32>(x, load<f32>(x) * load<f32>(at(scale, i)) + load<f32>(at(shift, i)));
      x += 4;
    }
  }
}

/** x / √(mean over channels of x² + ε), for each pixel; in place. */
export function pixelNorm(x: usize, pixels: i32, channels: i32, epsilon: f32): void {
  for (let pixel = 0; pixel < pixels; pixel++) {
    const start = at(x, pixel * channels);
    let sum: f32 = 0;
    for (let i = 0; i < channels; i++) sum += load<f32>(at(start, i)) * load<f32>(at(start, i));
    const factor: f32 = 1 / sqrt<f32>(sum / <f32>channels + epsilon);
    for (let i = 0; i < channels; i++) store<f32>(at(start, i), load<f32>(at(start, i)) * factor);
  }
}

/** max(x, 0) + slope · min(x, 0); in place. ReLU is the case of slope 0. */
export function rectify(x: usize, count: i32, slope: f32): void {
  const zero = f32x4.splat(0), factor = f32x4.splat(slope);
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const value = v128.load(at(x, i));
    const below = f32x4.mul(f32x4.min(value, zero), factor);
    v128.store(at(x, i), f32x4.add(f32x4.max(value, zero), below));
  }
  for (; i < count; i++) {
    const value = load<f32>(at(x, i));
    store<f32>(at(x, i), max<f32>(value, 0) + min<f32>(value, 0) * slope);
  }
}

export function tanh(x: usize, count: i32): void {
  for (let i = 0; i < count; i++) store<f32>(at(x, i), Mathf.tanh(load<f32>(at(x, i))));
}

export function sigmoid(x: usize, count: i32): void {
  for (let i = 0; i < count; i++) {
    store<f32>(at(x, i), 0.5 + 0.5 * Mathf.tanh(0.5 * load<f32>(at(x, i))));
  }
}

export function selu(x: usize, count: i32): void {
  // the constants of Klambauer et al. 2017, arXiv:1706.02515
  const scale: f32 = 1.0507009873554805, alpha: f32 = 1.6732632423543772;
  for (let i = 0; i < count; i++) {
    const value = load<f32>(at(x, i));
    store<f32>(at(x, i), scale * (value > 0 ? value : alpha * Mathf.expm1(value)));
  }
}

// Latents

/**
 * A random number in (0, 1) that depends on nothing but its three numbers: the seed, the number of
 * the sample and the place in its latent. The mixer is that of SplitMix64 (Steele et al. 2014).
 */
export function uniform(seed: f64, sample: f64, place: f64): f64 {
  let state = mixed(<u64>seed + 0x9e3779b97f4a7c15);
  state = mixed(state + <u64>sample + 0x9e3779b97f4a7c15);
  state = mixed(state + <u64>place + 0x9e3779b97f4a7c15);
  return (<f64>(state >> 12) + 0.5) / 4503599627370496.0;
}

function mixed(x: u64): u64 {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/**
 * P(Z < x) of a standard normal variable: the error function by its Taylor series, and by its
 * continued fraction in the tails.
 */
export function cdf(x: f64): f64 {
  const size = abs(x);
  if (size > 8) return x > 0 ? 1 : 0;
  const density = NativeMath.exp(-0.5 * size * size) * 0.3989422804014327;
  let above: f64;
  if (size < 3) {
    // x + x³/3 + x⁵/(3·5) + …
    let term = size, sum = size;
    for (let i = 3; i < 80; i += 2) {
      term *= size * size / <f64>i;
      sum += term;
    }
    above = 0.5 - density * sum;
  } else {
    // 1/(x + 1/(x + 2/(x + 3/(x + …
    let tail = size;
    for (let i = 40; i > 0; i--) tail = size + <f64>i / tail;
    above = density / tail;
  }
  return x > 0 ? 1 - above : above;
}

/**
 * The inverse of `cdf`, by Newton's method. Below 0 the function is convex, so that every step from
 * the right ends between the root and where it began.
 */
export function quantile(p: f64): f64 {
  if (p > 0.5) return -quantile(1 - p);
  if (p < 1e-15) return -8;
  let x: f64 = 0;
  for (let i = 0; i < 60; i++) {
    const step = (cdf(x) - p) / (NativeMath.exp(-0.5 * x * x) * 0.3989422804014327);
    x -= step;
    if (step < 1e-10) break;
  }
  return x;
}
