/** A thread of `embedded.ts`: PGlite, which answers one query after the other and does nothing else meanwhile. */

import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import { createDurableFiles, durableParams } from './durable-files.ts';
import type { Answer, Ask, EmbeddedOptions } from './embedded.ts';
import { plainError } from './embedded-error.ts';
import { createStatements } from './embedded-statements.ts';

const settings = [
  // All of its cache it takes at its start; what the cache leaves out is in the host's cache of files.
  'shared_buffers=16MB',
  // It keeps open what it has opened, and a vacuum opens everything, some hundred files.
  'max_files_per_process=80',
  // Statements are kept for as long as the process lives, and a plan that was made for an empty table is none for a full one.
  'plan_cache_mode=force_custom_plan',
];
/** After one of these PostgreSQL cannot go on; PGlite would. */
const deadly = ['PANIC', 'FATAL'];

const { dataDir } = workerData as EmbeddedOptions;
const opening = open();
const asking = opening.then(createStatements);
asking.catch(() => {}); // Whoever asks hears of it.

async function open(): Promise<PGlite> {
  return await PGlite.create({
    startParams: [...durableParams, ...settings.flatMap((setting) => ['-c', setting])],
    fs: createDurableFiles(dataDir),
  });
}

parentPort?.on('message', async ({ n, query }: Ask) => {
  const say = (answer: Omit<Answer, 'n'>) => parentPort?.postMessage({ n, ...answer } satisfies Answer);
  try {
    if (query) {
      const ask = await asking;
      const { rows, fields, affectedRows, command } = await ask(query);
      say({
        result: { rows, fields, ...(affectedRows !== undefined && { affectedRows }), ...(command && { command }) },
      });
    } else {
      await (await opening).close();
      say({});
      process.exit(); // This thread alone.
    }
  } catch (error) {
    const plain = plainError(error);
    say({ error: plain });
    if (deadly.includes(plain.severity ?? '')) process.exit(1);
  }
});
