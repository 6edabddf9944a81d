// A lesson in seven cards. Each has a button that sets up what its text is about.

import { ActionButton, html } from "../../ui.js";
import { MapGrid } from "./painting.js";

const TRAINED = 200;
const FASTER = 20;

/** The step at which images with equal and with unequal rates are compared. */
const COMPARED = 150;

/** Train anew for some steps, then continue in another way. */
async function trained(session, seed, then) {
  await session.restart(seed);
  session.runTo(TRAINED, then);
}

/** Train with equal rates, then anew with a faster discriminator, and show both. */
async function compared(session, seed) {
  await session.restart(seed);
  session.runTo(COMPARED, async () => {
    const { maps } = session.state.generated;
    await session.restart(seed);
    session.reference = maps;
    session.setRate("discriminator", FASTER * session.rate);
    session.runTo(COMPARED, () => session.run("paused"));
  });
}

const CARDS = [
  {
    title: "Before training: noise in, noise out",
    text: `The generator makes an image from a latent: 16 random numbers. Its weights are random,
      too, so the image is noise. The discriminator judges whether an image is real. It has
      learned nothing yet, and says about 50 % for every image. If a verdict is right, it is by
      chance.`,
    button: "Start over",
    act: ({ session, seed }) => session.restart(seed),
  },
  {
    title: "One step: two turns",
    text: `First the discriminator compares 32 real and 32 generated images, and learns to tell
      them apart. Then the generator learns to get a better verdict. Violet arrows show how: the
      gradient flows from the verdict back to the generator.`,
    button: "Make one step",
    act: ({ session }) => {
      session.run("paused");
      return session.step();
    },
  },
  {
    title: "Let both learn",
    text: `Both networks learn in turns, hundreds of times. Watch the generated image: first a
      blot, then strokes, then something like a digit. Neither network wins: for some 300 steps,
      the scores of real and of generated images stay near 50 %.`,
    button: "Run fast",
    act: ({ session }) => {
      for (const player of ["generator", "discriminator"]) {
        session.setFreeze(player, false);
        session.setRate(player, session.rate);
      }
      session.run("fast");
    },
  },
  {
    title: "What the discriminator tells the generator",
    text: `The generator never sees a real image. All it gets is the gradient: which pixels of its
      image should be brighter (green) and which darker (violet) for a better verdict. The button
      shows the image and this gradient below the diagram, side by side. It is a small correction
      and no digit, so it looks like dots. Make single steps to see it change.`,
    button: "Pause and show the gradient",
    act: ({ session, onChoose }) => {
      session.run("paused");
      onChoose("change");
      requestAnimationFrame(() =>
        document.querySelector(".detail")?.scrollIntoView({ block: "nearest" }));
    },
  },
  {
    title: "Freeze the generator: the discriminator wins",
    text: `After ${TRAINED} steps, only the discriminator continues to learn. The generated images
      no longer get better, and soon it knows them: its score of real images rises towards 100 %,
      that of generated images falls towards 0 %, and the generator's loss rises.`,
    button: "Train, then freeze the generator",
    act: ({ session, seed }) =>
      trained(session, seed, () => session.setFreeze("generator", true)),
  },
  {
    title: "Freeze the discriminator: it is fooled",
    text: `After ${TRAINED} steps, only the generator continues to learn. Soon its images
      get scores of 80 % and more, but they look less and less like digits: it learns the weak
      points of a judge who does not learn. The discriminator must continue to learn, too.`,
    button: "Train, then freeze the discriminator",
    act: ({ session, seed }) =>
      trained(session, seed, () => session.setFreeze("discriminator", true)),
  },
  {
    title: "A discriminator that learns too fast",
    text: `With a learning rate ${FASTER} times as high, the losses jump, and at first the
      discriminator's verdicts are close to 0 % or 100 %. Such a judge is of little help. The button
      trains twice for ${COMPARED} steps with the same seed, first with equal rates, and shows the
      images of both side by side. Training needs a balance.`,
    button: "Train with both rates and compare",
    act: ({ session, seed }) => compared(session, seed),
  },
];

export function Lesson(context) {
  const { session } = context;
  const number = session.card;
  const setNumber = (next) => session.setCard(next);
  const card = CARDS[number];
  return html`<section class="lesson" aria-label="Lesson">
    <div class="lesson-text" aria-live="polite">
      <h2>${number + 1}. ${card.title}</h2>
      <p>${card.text}</p>
    </div>
    <div class="row">
      <${ActionButton} key=${number} kind="main" act=${async () => card.act(context)}>
        ${card.button}
      <//>
      <button type="button" disabled=${number === 0} onClick=${() => setNumber(number - 1)}>
        Back
      </button>
      <button type="button" disabled=${number === CARDS.length - 1}
        onClick=${() => setNumber(number + 1)}>
        Next
      </button>
      <span class="soft">Card ${number + 1} of ${CARDS.length}</span>
    </div>
    ${session.reference && html`<${Comparison} session=${session} />`}
  </section>`;
}

/** The images of the training with equal rates, and those of this one. */
function Comparison({ session: { reference, state } }) {
  const images = (title, maps) => html`<figure>
    <figcaption>${title}</figcaption>
    <${MapGrid} maps=${Array.from({ length: maps.shape[0] }, (_, one) => maps.map(one, 0))}
      columns=${4} scale=${1} colors="image" label=${`Generated images: ${title}`} />
  </figure>`;
  return html`<div class="comparison">
    ${images(`Equal rates, step ${COMPARED}`, reference)}
    ${images(`${FASTER} times the rate, step ${state.step}`, state.generated.maps)}
  </div>`;
}
