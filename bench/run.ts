/** `npm run bench -- NAME [--json] [--rounds N]`: measures one thing on this machine. */

import { parseArgs } from 'node:util';
import { connect } from './connect.ts';
import { image } from './image.ts';
import { asTable, type Bench, type BenchResult } from './result.ts';

const benches: Readonly<Record<string, { run: Bench; rounds: number }>> = {
  connect: { run: connect, rounds: 5 },
  image: { run: image, rounds: 1 },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, rounds: { type: 'string' } },
});
const [name = ''] = positionals;
const bench = benches[name];

if (!bench) {
  process.stderr.write(`✗ No bench called "${name}".\n  There are: ${Object.keys(benches).join(', ')}.\n`);
  process.exitCode = 1;
} else {
  const rounds = Number(values.rounds ?? bench.rounds);
  const measured = await bench.run({ rounds, say: (text) => process.stderr.write(`${text}\n`) });
  const result: BenchResult = { bench: name, ...measured };
  process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : asTable(result));
}
