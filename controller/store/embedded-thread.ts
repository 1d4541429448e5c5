/** A thread of `embedded.ts`: PGlite, which answers one query after the other and does nothing else meanwhile. */

import { parentPort, workerData } from 'node:worker_threads';
import { PGlite, types } from '@electric-sql/pglite';
import { createDurableFiles, durableParams } from './durable-files.ts';
import type { Answer, Ask, EmbeddedOptions } from './embedded.ts';

/** All of its cache it takes at its start; what the cache leaves out is in the host's cache of files. */
const cache = '16MB';
/** Drizzle reads these as they come. */
const asText = [types.TIMESTAMP, types.TIMESTAMPTZ, types.INTERVAL, types.DATE, 1115, 1182, 1185, 1187, 1231];
const parsers = Object.fromEntries(asText.map((type) => [type, (value: string) => value]));

const { dataDir } = workerData as EmbeddedOptions;
const opening = PGlite.create({
  startParams: [...durableParams, '-c', `shared_buffers=${cache}`],
  ...(dataDir && { fs: createDurableFiles(dataDir) }),
});

parentPort?.on('message', async ({ n, query }: Ask) => {
  const say = (answer: Omit<Answer, 'n'>) => parentPort?.postMessage({ n, ...answer } satisfies Answer);
  try {
    const database = await opening;
    if (query) {
      const { rows, fields, affectedRows } = await database.query(query.text, query.params, {
        rowMode: query.rowMode,
        parsers,
      });
      say({ result: { rows, fields, ...(affectedRows !== undefined && { affectedRows }) } });
    } else {
      await database.close();
      say({});
      process.exit(); // This thread alone.
    }
  } catch (error) {
    say({ error: plain(error) });
  }
});

/** An error that can be sent: what a database says besides its sentence is text, such as `code`. */
function plain(error: unknown): Record<string, string> {
  const { message } = error instanceof Error ? error : new Error(String(error));
  const said = Object.entries(Object(error)).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return { ...Object.fromEntries(said), message };
}
