/** `npm run bench -- NAME [--json] [--rounds N]`: measures one thing on this machine. */

import { parseArgs } from 'node:util';
import { asTable, type Bench, type BenchResult } from './result.ts';

/** Loaded when asked for: each brings its own parts of the product. */
const benches: Readonly<Record<string, { load: () => Promise<Bench>; rounds: number }>> = {
  capture: { load: async () => (await import('./capture.ts')).capture, rounds: 5 },
  connect: { load: async () => (await import('./connect.ts')).connect, rounds: 5 },
  density: { load: async () => (await import('./density.ts')).density, rounds: 3 },
  image: { load: async () => (await import('./image.ts')).image, rounds: 1 },
  load: { load: async () => (await import('./load.ts')).load, rounds: 12 },
  relay: { load: async () => (await import('./relay.ts')).relay, rounds: 3 },
  runs: { load: async () => (await import('./runs.ts')).runs, rounds: 10 },
  soak: { load: async () => (await import('./soak.ts')).soak, rounds: 3 },
  start: { load: async () => (await import('./start.ts')).start, rounds: 5 },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, rounds: { type: 'string' } },
});
const [name = ''] = positionals;
const bench = benches[name];
const rounds = Number(values.rounds ?? bench?.rounds);

if (!bench) {
  process.stderr.write(`✗ No bench called "${name}".\n  There are: ${Object.keys(benches).join(', ')}.\n`);
  process.exitCode = 1;
} else if (!Number.isInteger(rounds) || rounds < 1) {
  process.stderr.write(`✗ "${values.rounds}" is no number of rounds.\n`);
  process.exitCode = 1;
} else {
  const measured = await (await bench.load())({ rounds, say: (text) => process.stderr.write(`${text}\n`) });
  const result: BenchResult = { bench: name, ...measured };
  process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : asTable(result));
}
