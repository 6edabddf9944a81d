// Files from the page to the server: a few at a time, with what was refused.

import { send } from "../api.js";
import { counted } from "../words.js";

const AT_ONCE = 4;
const MOST_BYTES = 64 * 2 ** 20;
const IMAGES = /\.(bmp|gif|jpe?g|png|tiff?|webp)$/i;

/** A name for a batch of files: 32 hexadecimal digits. */
export const newBatch = () =>
  [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");

/**
 * Send files; `report({sent, of, refused})` is called after each. Returns the dataset they make,
 * or undefined if all were refused. `refused` has one line for each file.
 */
export async function sendAll(files, report) {
  const batch = newBatch();
  const queue = [...files];
  const refused = [];
  let sent = 0;
  let data;
  const work = async () => {
    while (queue.length > 0) {
      const file = queue.shift();
      try {
        if (file.size > MOST_BYTES) {
          throw new Error(`${file.name}: larger than 64 MB. Choose it as a file on this machine`);
        }
        const address = `/uploads/${batch}/${encodeURIComponent(file.name)}`;
        const answer = await send("PUT", address, file);
        data = answer.data;
      } catch (error) {
        refused.push(error.message);
      }
      sent += 1;
      report({ sent, of: files.length, refused: [...refused] });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return data;
}

/** The images of a chosen folder. */
export const imagesOf = (files) => [...files].filter((file) => IMAGES.test(file.name));

/** The files of a drop, also those in dropped folders: of folders, only images. */
export async function filesOf(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length === 0) return [...transfer.files];
  return (await Promise.all(entries.map((entry) => filesIn(entry, false)))).flat();
}

async function filesIn(entry, isInFolder) {
  if (entry.isFile) {
    if (isInFolder && !IMAGES.test(entry.name)) return [];
    return [await new Promise((found, failed) => entry.file(found, failed))];
  }
  const reader = entry.createReader();
  const inside = [];
  for (;;) {
    const some = await new Promise((found, failed) => reader.readEntries(found, failed));
    if (some.length === 0) break; // a reader gives at most 100 at a time
    inside.push(...some);
  }
  return (await Promise.all(inside.map((one) => filesIn(one, true)))).flat();
}

/** Of all files; a refused one is not sent. */
export const partSent = ({ sent, of, refused }) => (sent - refused.length) / of;

/** "3 of 200 files sent". */
export const uploadText = ({ sent, of, refused }) =>
  `${sent - refused.length} of ${counted(of, "file")} sent`;
