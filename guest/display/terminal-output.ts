/** When something was last printed in a terminal. Linux notes it with the terminal itself, to within eight seconds. */

import { readdirSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';

/** Milliseconds ago; undefined when there is no terminal. The system's own console is none, though it is one of them. */
export function printedAgoMs(terminals: string, console: string): number | undefined {
  const own = find(console);
  const times = readdirSync(terminals)
    .filter((name) => /^\d+$/.test(name))
    .map((name) => find(join(terminals, name)))
    .filter((terminal) => terminal !== undefined)
    .filter(({ dev, ino }) => dev !== own?.dev || ino !== own.ino)
    .map(({ mtimeMs }) => mtimeMs);
  return times.length === 0 ? undefined : Math.max(0, Math.round(Date.now() - Math.max(...times)));
}

function find(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}
