// How far a training is, in numbers and in words.

import { digits, duration, grouped } from "../words.js";

/**
 * How far a run is: `{part, text}`. `part` is 0 to 1, or undefined if its length is not known.
 * `speed` is in images per second.
 */
export function progressOf(card, speed) {
  const words = [];
  let part, left;
  if (card.minutes) {
    part = Math.min(1, card.seconds / (60 * card.minutes));
    left = 60 * card.minutes - card.seconds;
    words.push(`${grouped(card.images)} images seen`);
  } else if (card.planned) {
    part = Math.min(1, card.images / card.planned);
    left = speed ? (card.planned - card.images) / speed : undefined;
    words.push(`${grouped(card.images)} of ${grouped(card.planned)} images seen`);
  } else {
    words.push(`${grouped(card.images)} images seen`);
  }
  if (part !== undefined) words.unshift(`${Math.floor(100 * part)}%`);
  if (left > 0) words.push(`about ${duration(left)} left`);
  if (speed) words.push(`${digits(Math.round(speed))} images/s`);
  return { part, text: words.join(" · ") };
}

/** How a run is that is not in training: "Finished" at the length that was asked for. */
export function endOf(card) {
  const { part } = progressOf(card);
  if (part === undefined) return "Ended";
  return part >= 1 ? "Finished" : "Stopped";
}

/** What is left of the length of a run: "48 seconds left of 2 minutes". */
export const leftOf = (card) =>
  card.minutes
    ? `${duration(60 * card.minutes - card.seconds)} left of ${duration(60 * card.minutes)}`
    : `${grouped(card.planned - card.images)} left of ${grouped(card.planned)} images seen`;

/** Its dataset and the size of its images, as far as they are known. */
export const about = (card) =>
  [card.data !== "unknown" && card.data, card.size].filter(Boolean);

/** "172,800 images seen in 5 minutes". */
export const lengthOf = (card) =>
  `${grouped(card.images)} images seen` + (card.seconds ? ` in ${duration(card.seconds)}` : "");

/**
 * "Fréchet distance 5.72; real images score 2.54; lower is better"; with the images seen at this
 * score, if the run has gone on: "Best Fréchet distance 5.72 after 384 images seen; …".
 */
export const scoreOf = ({ quality: { label, value, real, images }, images: seen }) =>
  (images < seen
    ? `Best ${label} ${digits(value)} after ${grouped(images)} images seen`
    : `${label} ${digits(value)}`) +
  (real === null ? "" : `; real images score ${digits(real)}`) +
  "; lower is better";
