// Numbers and times in words.

/** 1234567 → "1,234,567". */
export const grouped = (count) => Math.round(count).toLocaleString("en-US");

/** Three significant digits, without an exponent. */
export function digits(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "n/a";
  if (Math.abs(value) >= 1000) return grouped(value);
  return String(Number(value.toPrecision(3)));
}

/** Seconds → "40 seconds", "3 minutes", "2.5 hours". */
export function duration(seconds) {
  if (seconds < 90 && seconds !== 60) return counted(seconds, "second");
  if (seconds < 5400) return counted(seconds / 60, "minute");
  return `${digits(seconds / 3600)} hours`;
}

/** 1 and "run" → "1 run"; 3 and "run" → "3 runs". */
export const counted = (count, noun, plural = `${noun}s`) =>
  `${grouped(count)} ${Math.round(count) === 1 ? noun : plural}`;

/** A phrase of the server as a sentence: "in 2 minutes …" → "In 2 minutes … .", and 64×64. */
export const sentence = (text) =>
  `${text[0].toUpperCase()}${text.slice(1).replace(/\.$/, "")}.`.replace(/(\d)x(\d)/g, "$1×$2");
