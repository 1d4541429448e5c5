/** A picture as a PNG of bounded size: all pixels if they fit, else a quarter of them, and so on. */

import { limits } from '@polydev/protocol';
import { inFewColours } from './palette.ts';
import { encodePng } from './png.ts';
import type { Picture } from './rfb-picture.ts';

export async function pngOf(picture: Picture, atMostBytes: number = limits.pictureBytes): Promise<Buffer> {
  const png = await encodePng(inFewColours(picture));
  return png.length <= atMostBytes ? png : await pngOf(halved(picture), atMostBytes);
}

/** Each pixel the mean of four. */
function halved({ width, height, pixels }: Picture): Picture {
  const half = { width: Math.ceil(width / 2), height: Math.ceil(height / 2) };
  const result = new Uint16Array(half.width * half.height);
  const at = (x: number, y: number) => pixels[Math.min(y, height - 1) * width + Math.min(x, width - 1)] ?? 0;
  for (let y = 0; y < half.height; y += 1) {
    for (let x = 0; x < half.width; x += 1) {
      const above = mean(at(2 * x, 2 * y), at(2 * x + 1, 2 * y));
      const below = mean(at(2 * x, 2 * y + 1), at(2 * x + 1, 2 * y + 1));
      result[y * half.width + x] = mean(above, below);
    }
  }
  return { ...half, pixels: result };
}

/** Of all three channels at once: what both have, and half of what one has, without each channel's lowest bit. */
function mean(a: number, b: number): number {
  return (a & b) + (((a ^ b) & 0b11110_111110_11110) >> 1);
}
