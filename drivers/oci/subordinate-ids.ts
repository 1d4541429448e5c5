/** Nobody of the host may be given the ids that sandboxes run under: that person would own all of them. */

import { readFile } from 'node:fs/promises';
import { idCount, idShift } from '@polydev/protocol';

const files = ['/etc/subuid', '/etc/subgid'];

/** Lines of the host's files that give away ids of sandboxes. */
export async function overlapping(): Promise<string[]> {
  const found = await Promise.all(
    files.map(async (file) =>
      linesThatOverlap(await readFile(file, 'utf8').catch(() => '')).map((line) => `${file}: ${line}`),
    ),
  );
  return found.flat();
}

/** Lines are `name:first:count`. */
export function linesThatOverlap(text: string): string[] {
  return text.split('\n').filter((line) => {
    const [, first, count] = line.split(':').map(Number);
    if (first === undefined || count === undefined) return false;
    return first < idShift + idCount && first + count > idShift;
  });
}
