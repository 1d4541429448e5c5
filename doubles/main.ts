/** Starts the doubles alone and prints how to reach them as one line of JSON; Ctrl-C ends them. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig, usage } from './config.ts';
import { startDoubles } from './doubles.ts';

const config = readConfig(process.argv.slice(2));
if (config.help) {
  console.log(usage);
} else {
  const onRequest = config.requests ? (seen: object) => console.error(JSON.stringify(seen)) : undefined;
  const doubles = await startDoubles({ ...config.options, onRequest });
  const given = config.options.folder;
  const folder = given ?? (await mkdtemp(join(tmpdir(), 'polydev-doubles-')));
  const caPath = join(folder, 'ca.pem');
  await writeFile(caPath, doubles.caPem);

  const { address, port, hosts, state } = doubles;
  const apiKeys = Object.fromEntries(Object.entries(state.apiKeys).map(([provider, keys]) => [provider, [...keys]]));
  console.log(JSON.stringify({ address, port, caPath, hosts, apiKeys }));

  const stop = async () => {
    await doubles.close();
    if (given === undefined) await rm(folder, { recursive: true });
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
}
