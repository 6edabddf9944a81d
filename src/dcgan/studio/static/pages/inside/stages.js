// The stages of the diagram: where each tensor is in the state, and what it is in words.

const shapeOf = ({ shape: [, count, height, width] }, noun = "feature map") =>
  count === 1 ? `${height}×${width} pixels` : `${count} ${noun}s of ${height}×${width}`;

/**
 * Each stage: `part` of the state, `title`, `path` it is on ("generated", "real" or "back"),
 * `columns` of its grid, `colors`, `shape` in words, and `about`, sentences for the detail.
 */
export const STAGES = [
  {
    id: "latent", title: "Latent", path: "generated", columns: 2, colors: "activation",
    part: (state) => state.latent,
    shape: ({ shape }) => `${shape[3]} random numbers`,
    about: `The generator's input: random numbers, about as often below zero (blue) as above
      (orange). Another latent gives another image.`,
  },
  {
    id: "g1", title: "Layer 1", path: "generated", columns: 4, colors: "activation",
    part: (state) => state.generator[0], shape: shapeOf,
    about: `The generator's first layer turns the latent into small feature maps. Each map says
      where in the image something should be, on a coarse grid.`,
  },
  {
    id: "g2", title: "Layer 2", path: "generated", columns: 4, colors: "activation",
    part: (state) => state.generator[1], shape: shapeOf,
    about: `The second layer doubles the sides. Its feature maps are sums of many maps of
      layer 1, and begin to show strokes.`,
  },
  {
    id: "generated", title: "Generated image", path: "generated", columns: 1, colors: "image",
    part: (state) => state.generated, shape: shapeOf,
    about: `The generator's last layer doubles the sides once more and adds its maps up to an
      image. The discriminator gets it as its input.`,
  },
  {
    id: "change", title: "What to change", path: "back", columns: 1, colors: "change",
    part: (state) => state.imageGradient, shape: shapeOf, isNegated: true,
    about: `The gradient, as it comes back from the discriminator: with brighter pixels at the
      green places and darker ones at the violet places, the image would look more real to it.
      The generator changes its weights so that this happens.`,
  },
  {
    id: "real", title: "Real image", path: "real", columns: 1, colors: "image",
    part: (state) => state.real, shape: shapeOf,
    about: `A handwritten digit of the dataset. Each step takes other real images. Only the
      discriminator sees them; the generator never does.`,
  },
  {
    id: "d1", title: "Layer 1", path: "generated", columns: 4, colors: "activation",
    part: (state) => state.onGenerated[0], shape: shapeOf,
    about: `The discriminator's first layer halves the sides. Each feature map answers to one
      kind of detail in the generated image, such as an edge.`,
  },
  {
    id: "d2", title: "Layer 2", path: "generated", columns: 4, colors: "activation",
    part: (state) => state.onGenerated[1], shape: shapeOf,
    about: `The second layer halves the sides again. Its feature maps answer to larger parts of
      the generated image. Their weighted sum is the verdict.`,
  },
  {
    id: "d1real", title: "Layer 1", path: "real", columns: 4, colors: "activation",
    part: (state) => state.onReal[0], shape: shapeOf,
    about: `The same layer of the same discriminator, with the real image as its input. Compare
      it with the maps of the generated image.`,
  },
  {
    id: "d2real", title: "Layer 2", path: "real", columns: 4, colors: "activation",
    part: (state) => state.onReal[1], shape: shapeOf,
    about: `The second layer with the real image as its input. Where these maps differ from
      those of the generated image, the discriminator can tell them apart.`,
  },
];

/** The network that a stage is a layer of; "" for data. */
export const networkOf = ({ id }) =>
  (!/\d/.test(id) ? "" : id.startsWith("g") ? "Generator" : "Discriminator");

export const stage = (id) => STAGES.find((one) => one.id === id);

/** The maps of a stage for one image, and the value that gets the full color. */
export function mapsOf({ id, part, isNegated, colors }, state, image) {
  const { maps } = part(state);
  const scale = colors === "image" ? 1 : maps.largest(image);
  let list = maps.of(image);
  if (id === "latent") list = columnOf(list[0]);
  if (isNegated) list = list.map((map) => ({ ...map, values: map.values.map((x) => -x) }));
  return { list, scale };
}

/** A row of numbers as maps of one pixel. */
const columnOf = ({ values }) =>
  Array.from(values, (value) => ({ values: Float32Array.of(value), height: 1, width: 1 }));

/** Arrows: from stage to stage, along the data and back along the gradient. */
export const ARROWS = [
  ["latent", "g1"], ["g1", "g2"], ["g2", "generated"], ["generated", "d1"], ["d1", "d2"],
  ["d2", "verdict"], ["real", "d1real"], ["d1real", "d2real"], ["d2real", "verdictreal"],
];

/** Arrows of the gradient, each with the stage that says how strong it is there. */
export const BACK_ARROWS = [
  ["verdict", "d2", "d2"], ["d2", "d1", "d1"], ["d1", "change", "change"],
  ["change", "g2", "g2"], ["g2", "g1", "g1"], ["g1", "latent", "latent"],
];
