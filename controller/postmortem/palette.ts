/** A picture in at most 256 colours: the most frequent ones, some of every kind, and for others the nearest of these. */

import type { Picture } from './rfb-picture.ts';

export interface IndexedPicture {
  width: number;
  height: number;
  /** Red, green and blue of each colour. */
  palette: Uint8Array;
  /** Numbers of colours. */
  pixels: Uint8Array;
}

const mostColours = 256;
/** Four shades of each channel: 64 colours of which one is never far. */
const everyKind = [0, 10, 21, 31].flatMap((red) =>
  [0, 21, 42, 63].flatMap((green) => [0, 10, 21, 31].map((blue) => (red << 11) | (green << 5) | blue)),
);
/** Colours that differ in these alone become the same one, so that looking for the nearest stays cheap. */
const lowestBits = 0b00001_000011_00001;

export function inFewColours({ width, height, pixels }: Picture): IndexedPicture {
  const counts = new Uint32Array(0x10000);
  for (let at = 0; at < pixels.length; at += 1) counts[pixels[at] ?? 0] = (counts[pixels[at] ?? 0] ?? 0) + 1;
  const used: number[] = [];
  for (let colour = 0; colour < counts.length; colour += 1) if (counts[colour] !== 0) used.push(colour);
  used.sort((a, b) => (counts[b] ?? 0) - (counts[a] ?? 0));
  const chosen = used.length <= mostColours ? used : [...used.slice(0, mostColours - everyKind.length), ...everyKind];
  const indexOf = new Uint8Array(0x10000);
  const indexOfLike = new Map<number, number>();
  for (const [index, colour] of used.entries()) {
    if (colour === chosen[index]) indexOf[colour] = index;
    else {
      const like = colour & ~lowestBits;
      const found = indexOfLike.get(like) ?? nearest(colour, chosen);
      indexOfLike.set(like, found);
      indexOf[colour] = found;
    }
  }
  const indexed = new Uint8Array(pixels.length);
  for (let at = 0; at < pixels.length; at += 1) indexed[at] = indexOf[pixels[at] ?? 0] ?? 0;
  return { width, height, palette: Uint8Array.from(chosen.flatMap(rgbOf)), pixels: indexed };
}

function nearest(colour: number, among: readonly number[]): number {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let index = 0; index < among.length; index += 1) {
    const other = among[index] ?? 0;
    const red = 2 * ((colour >> 11) - (other >> 11));
    const green = ((colour >> 5) & 63) - ((other >> 5) & 63);
    const blue = 2 * ((colour & 31) - (other & 31));
    const distance = red * red + green * green + blue * blue;
    if (distance < least) {
      least = distance;
      best = index;
    }
  }
  return best;
}

function rgbOf(colour: number): number[] {
  const [red, green, blue] = [colour >> 11, (colour >> 5) & 63, colour & 31];
  return [Math.round((red * 255) / 31), Math.round((green * 255) / 63), Math.round((blue * 255) / 31)];
}
