/** `./polydev down`: ends what a Polydev that was told to start again has left under way. */

import { readdir } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { requireRoot } from './host-checks.ts';
import { defaultHome, hostPaths } from './paths.ts';
import { startHostd } from './processes.ts';
import { createProgress } from './progress.ts';
import { ensureRelease } from './release.ts';

const help = `Usage: ./polydev down [options]

  --data FOLDER    default /var/lib/polydev

Destroys the sandboxes of a Polydev that is not running. One that runs is ended with Ctrl C.
`;

export async function down(args: string[]): Promise<number> {
  const options = { data: { type: 'string' }, help: { type: 'boolean', default: false } } as const;
  const { values } = parseArgs({ args, options });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  requireRoot();
  const paths = hostPaths(values.data ?? defaultHome);
  const progress = createProgress(process.stdout);
  await progress.step('Sandboxes', async (step) => {
    const left = await journalled(paths.journal);
    if (left > 0) {
      const { dir: release } = await ensureRelease(paths.releases);
      const hostd = await startHostd({
        paths,
        release,
        onTrouble: (sentence) => process.stderr.write(`! ${sentence}\n`),
      });
      await hostd.stop('SIGINT');
    }
    step.result(left > 0 ? `${left} destroyed` : 'none');
  });
  return 0;
}

/** How many sandboxes there may be. */
export async function journalled(journal: string): Promise<number> {
  return (await readdir(journal).catch(() => [])).filter((name) => name.endsWith('.json')).length;
}
