/** `npm start -- --demo --yes` as the README has it: on the port and in the folder that nobody named. */

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { demoHome, demoPort } from '../setup/demo.ts';
import { hostPaths, projectRoot } from '../setup/paths.ts';
import { findLeftovers } from './leftovers.ts';
import { links } from './product.ts';

const paths = hostPaths(demoHome);
const skip =
  (process.getuid?.() !== 0 && 'needs root') || (existsSync(paths.hostdSocket) && 'a demo of this machine is running');

/** In a network of its own, where no port is taken; and with a folder of its own in that place. */
const inPlace = 'ip link set lo up && mount --bind "$0" "$1" && exec';
const inside = (folder: string, command: string): string[] => [
  ...['--mount', '--net', 'sh', '-c', `${inPlace} ${command}`, folder, demoHome],
];

test('the demo starts on its default port, in its default folder, and ends', {
  skip,
  timeout: 30 * 60_000,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'polydev-e2e-'));
  chmodSync(folder, 0o755);
  mkdirSync(demoHome, { recursive: true });
  const child = spawn('unshare', inside(folder, 'npm start -- --demo --yes'), {
    cwd: projectRoot,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  t.after(async () => {
    child.kill('SIGINT');
    await ended;
    rmSync(folder, { recursive: true });
    if (readdirSync(demoHome).length === 0) rmSync(demoHome, { recursive: true });
  });
  const { url, setupUrl } = await links(child);
  assert.equal(url, `http://127.0.0.1:${demoPort}`);
  assert.ok(setupUrl.startsWith(`${url}/setup#token=`));
  const ask = 'fetch(process.argv[1]).then((answer) => console.log(answer.status))';
  const there = ['--net', '--target', String(child.pid), process.execPath, '-e', ask, `${url}/setup`];
  assert.equal(execFileSync('nsenter', there, { encoding: 'utf8' }).trim(), '200');
  assert.ok(existsSync(join(folder, 'DEMO')));
  // To npm alone, as a service manager may do it, and not as a terminal does, to all.
  child.kill('SIGINT');
  assert.equal(await ended, 0);
  // On a busy machine a stop may not have the time for what is just coming up; it says so, and names this command.
  execFileSync('unshare', inside(folder, `./polydev down --data ${demoHome}`), { cwd: projectRoot });
  assert.deepEqual(await findLeftovers({ ...paths, journal: join(folder, 'journal') }), []);
});
