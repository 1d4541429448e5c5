/** `npm run e2e -- NAME…`: runs the named scenarios; without a name, all of them. */

import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const folder = import.meta.dirname;
const all = readdirSync(folder).flatMap((file) => /^(.+)\.test\.ts$/.exec(file)?.[1] ?? []);
const wanted = process.argv.slice(2).length > 0 ? process.argv.slice(2) : all;
const unknown = wanted.filter((name) => !existsSync(join(folder, `${name}.test.ts`)));

if (unknown.length > 0) {
  process.stderr.write(`✗ No scenario called ${unknown.join(', ')}.\n  There are: ${all.join(', ')}.\n`);
  process.exitCode = 1;
} else {
  const files = wanted.map((name) => join(folder, `${name}.test.ts`));
  const env = { ...process.env, POLYDEV_E2E_EVERY_STAGE: '1' };
  const child = spawn(process.execPath, ['--test', '--test-concurrency=1', ...files], { stdio: 'inherit', env });
  child.on('close', (code) => {
    process.exitCode = code ?? 1;
  });
}
