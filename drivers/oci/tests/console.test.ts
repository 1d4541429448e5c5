import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { agentReadyLine, limits } from '@polydev/protocol';
import { agentReady, plainText, readConsole } from '../console.ts';

const timeout = 120_000;
const stamp = '2026-11-20T19:44:00.000000000+00:00 stdout';

async function scratch(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'polydev-console-'));
  t.after(() => rm(folder, { recursive: true }));
  return join(folder, 'console.log');
}

test('the console is what the sandbox said, without times and line ends of a terminal', () => {
  const log = `${stamp} F Welcome to Debian\r\n${stamp} P half a \n${stamp} F line\r\n`;
  assert.equal(plainText(log), 'Welcome to Debian\nhalf a line\n');
});

test('no console yet is an empty one, and a long one is cut to its newest part', { timeout }, async (t) => {
  const file = await scratch(t);
  assert.equal(await readConsole(file), '');
  await writeFile(file, `${stamp} F ${'x'.repeat(100)}\n`.repeat(2000));
  await appendFile(file, `${stamp} F the end\n`);
  const text = await readConsole(file);
  assert.ok(Buffer.byteLength(text) <= limits.consoleTailBytes);
  assert.ok(text.endsWith('the end\n'));
});

test('ready is seen when the line comes, also behind something else on it', { timeout }, async (t) => {
  const file = await scratch(t);
  await writeFile(file, `${stamp} F booting\n`);
  const ready = agentReady(file, new AbortController().signal);
  await appendFile(file, `${stamp} P [  OK  ] \n`);
  await appendFile(file, `${stamp} F ${agentReadyLine}\r\n`);
  await ready;
});

test('ready is seen when it was said before, and when the file was replaced', { timeout }, async (t) => {
  const file = await scratch(t);
  const ready = agentReady(file, new AbortController().signal);
  await writeFile(`${file}.tmp`, `${stamp} F ${agentReadyLine}\n`);
  await rename(`${file}.tmp`, file);
  await ready;
  await agentReady(file, new AbortController().signal);
});

test('waiting ends with the signal, for its reason', { timeout }, async (t) => {
  const cancel = new AbortController();
  const waiting = agentReady(await scratch(t), cancel.signal);
  cancel.abort(new Error('enough'));
  await assert.rejects(waiting, /enough/);
});
