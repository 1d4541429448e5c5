import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { createMasterKey } from '@polydev/vault/master-key';
import { main, scratchFolder, startController } from './controller-process.ts';

const timeout = 300_000;

test('the first start makes a key, prints one line with a link, and the link works', { timeout }, async (t) => {
  const scratch = await scratchFolder(t, { withDatabase: false });
  const controller = await startController(t, scratch);
  const { ready, url, setupPath, masterKeyFile, masterKeyCreated } = controller.line;
  assert.equal(ready, true, controller.log());
  assert.equal(masterKeyCreated, true);
  assert.equal(masterKeyFile, join(scratch, 'data/master.key'));
  assert.equal((await stat(String(masterKeyFile))).mode & 0o777, 0o600);
  assert.equal((await stat(join(scratch, 'data'))).mode & 0o777, 0o700);

  const setupToken = /^\/setup#token=(\S+)$/.exec(String(setupPath))?.[1] ?? '';
  const made = await fetch(`${url}/api/setup`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ setupToken, name: 'Ada', password: 'correct horse battery' }),
  });
  assert.equal(made.status, 201);
  assert.equal((await fetch(`${url}/health`)).status, 200);

  const { code } = await controller.stop();
  assert.equal(code, 0, controller.log());
  assert.equal(controller.stdout().length, 1);
  const key = (await readFile(String(masterKeyFile), 'utf8')).trim();
  for (const secret of [setupToken, key, 'correct horse'])
    assert.ok(!controller.log().includes(secret), 'a secret stands in the log');

  const again = await startController(t, scratch);
  assert.equal(again.line.ready, true, again.log());
  assert.equal(again.line.setupPath, null);
  assert.equal(again.line.masterKeyCreated, false);
  await again.stop('SIGINT');
});

test('a lost or a wrong master key is a clear error, and no new one is made', { timeout }, async (t) => {
  const scratch = await scratchFolder(t);
  const keyFile = join(scratch, 'data/master.key');
  await (await startController(t, scratch)).stop();
  const right = await readFile(keyFile, 'utf8');

  await rm(keyFile);
  const missing = await startController(t, scratch);
  assert.equal(missing.line.error?.code, 'master_key_missing');
  assert.equal((await missing.exited)[0], 1);
  await assert.rejects(stat(keyFile));

  await writeFile(keyFile, `${createMasterKey().reveal()}\n`, { mode: 0o600 });
  const wrong = await startController(t, scratch);
  assert.equal(wrong.line.error?.code, 'master_key_wrong');
  await wrong.exited;

  const given = await startController(t, scratch, [], { POLYDEV_MASTER_KEY: right });
  assert.equal(given.line.ready, true, given.log());
  assert.equal(given.line.masterKeyFile, null);
});

test('a key file that others may read is closed to them', { timeout }, async (t) => {
  const scratch = await scratchFolder(t);
  const keyFile = join(scratch, 'key');
  await writeFile(keyFile, createMasterKey().reveal(), { mode: 0o644 });
  const { line } = await startController(t, scratch, ['--master-key-file', keyFile]);
  assert.equal(line.ready, true);
  assert.equal((await stat(keyFile)).mode & 0o777, 0o600);
});

test('a taken port is said in a sentence', { timeout }, async (t) => {
  const scratch = await scratchFolder(t);
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.after(() => other.close());
  const { port } = other.address() as AddressInfo;
  const controller = await startController(t, scratch, ['--port', String(port)]);
  assert.equal(controller.line.error?.code, 'port_taken');
  assert.equal(controller.line.error?.message, `Port ${port} at 127.0.0.1 is taken by another program.`);
  assert.equal((await controller.exited)[0], 1);
});

test('two controllers never share a data folder; one that was killed frees it', { timeout }, async (t) => {
  const scratch = await scratchFolder(t);
  const first = await startController(t, scratch);
  const second = await startController(t, scratch);
  assert.match(second.line.error?.message ?? '', /Another controller/);
  await first.stop('SIGKILL');
  const third = await startController(t, scratch);
  assert.equal(third.line.ready, true, third.log());
});

test('without the host service the start fails, and says who is missing', { timeout }, async (t) => {
  const scratch = await scratchFolder(t);
  const controller = await startController(t, scratch, ['--hostd', join(scratch, 'nobody.sock')]);
  assert.equal(controller.line.error?.code, 'unavailable');
  assert.match(controller.line.error?.message ?? '', /host service/);
  assert.equal((await controller.exited)[0], 1);
});

test('as root it refuses to start', {
  timeout,
  skip: process.getuid?.() === 0 ? false : 'this is not root',
}, async (t) => {
  const scratch = await scratchFolder(t);
  const child = spawn(process.execPath, [main, '--port', '0', '--data', join(scratch, 'data')], { stdio: 'pipe' });
  const [[line], [code]] = await Promise.all([once(child.stdout, 'data'), once(child, 'exit')]);
  assert.match(JSON.parse(String(line)).error.message, /does not run as root/);
  assert.equal(code, 1);
});

test('it prints its configuration without secrets and ends', { timeout }, async (t) => {
  const scratch = await scratchFolder(t);
  const { line, exited } = await startController(t, scratch, ['--print-config'], { POLYDEV_MASTER_KEY: 'planted' });
  assert.equal(line.port, 0);
  assert.equal(line.masterKey, '(set)');
  assert.equal((await exited)[0], 0);
});
