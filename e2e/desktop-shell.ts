/** The shell in a desktop's terminal, which tells the scenario things by asking the double of claude.com for an address. */

import type { World } from './world.ts';

export interface Shell {
  /** To be typed before all else: from then on `tell WORDS` tells, and so does every prompt. */
  lines: readonly string[];
  /** Resolves with the next words that fit; each are heard once. */
  told(fits: (words: string) => boolean): Promise<string>;
  /** The shell waits for a command, again: what is typed before may go to the command that is about to end. */
  prompted(): Promise<void>;
}

const heardMs = 120_000;
const prompt = 'prompt';

/** `name` tells the shells of several desktops apart. */
export function createShell(world: World, name: string): Shell {
  const folder = `/told/${name}/`;
  const script = `fetch("https://claude.com${folder}" + Buffer.from(process.argv[1]).toString("base64url"))`;
  const wordsOf = (path: string) => Buffer.from(path.replace(folder, ''), 'base64url').toString();

  async function told(fits: (words: string) => boolean): Promise<string> {
    const request = await world.seen(({ path }) => path.startsWith(folder) && fits(wordsOf(path)), heardMs);
    return wordsOf(request.path);
  }

  return {
    lines: [`tell() { NODE_USE_ENV_PROXY=1 node -e '${script}' "$1"; }`, `PROMPT_COMMAND='tell ${prompt}'`],
    told,
    async prompted() {
      await told((words) => words === prompt);
    },
  };
}
