/** When a desktop counts as there: its terminal's window stands on the screen and its cursor waits in it. */

import type { Picture } from '../e2e/rfb-picture.ts';

/** Of the golden image: terminalrc, the theme of the window manager. The empty screen has none of them. */
const colours = {
  terminal: { r: 0x16, g: 0x18, b: 0x1d },
  text: { r: 0xd9, g: 0xdc, b: 0xe3 },
  /** Of the command that the greeting names; bold may brighten it. */
  commands: [
    { r: 0x7f, g: 0xa9, b: 0xdd },
    { r: 0x9c, g: 0xc0, b: 0xea },
  ],
  titleBar: { r: 0x1d, g: 0x20, b: 0x26 },
};

/** Rows of the screen, in pixels: in the middle of the title bar, and where the first lines of text are. */
const titleRows = { from: 12, to: 18 };
const textRows = { from: 36, to: 160 };
/** Less than the cursor alone. */
const textPixels = 60;
const commandPixels = 60;

export function isPainted(picture: Picture): boolean {
  const all = { from: 0, to: picture.height };
  return (
    share(picture, all, colours.terminal) > 0.5 &&
    share(picture, titleRows, colours.titleBar) > 0.5 &&
    count(picture, textRows, colours.text) > textPixels
  );
}

/** The terminal names the command to type: the desktop is somebody's. */
export function isGreeted(picture: Picture): boolean {
  const named = colours.commands.some((colour) => count(picture, textRows, colour) > commandPixels);
  return isPainted(picture) && named;
}

interface Rows {
  from: number;
  to: number;
}

function share(picture: Picture, rows: Rows, colour: (typeof colours)['text']): number {
  return count(picture, rows, colour) / ((rows.to - rows.from) * picture.width);
}

/** Blue, green, red, unused; row by row. */
function count({ width, height, pixels }: Picture, { from, to }: Rows, colour: (typeof colours)['text']): number {
  let hits = 0;
  const end = Math.min(to, height) * width * 4;
  for (let at = from * width * 4; at < end; at += 4) {
    if (pixels[at] === colour.b && pixels[at + 1] === colour.g && pixels[at + 2] === colour.r) hits += 1;
  }
  return hits;
}
