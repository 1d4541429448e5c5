import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startDoubles } from '../index.ts';

const timeout = 20_000;

async function scratchFolder(t: TestContext): Promise<string> {
  const scratch = await mkdtemp(join(tmpdir(), 'polydev-doubles-'));
  t.after(() => rm(scratch, { recursive: true }));
  return join(scratch, 'memory');
}

test('with a folder, what was given out is accepted after a start', { timeout }, async (t) => {
  const folder = await scratchFolder(t);
  const first = await startDoubles({ folder });
  const request = { provider: 'openai_codex', clientId: 'test', scope: 'openid' } as const;
  const old = first.state.tokens.issue(request);
  const next = first.state.tokens.refresh('openai_codex', old.refreshToken);
  assert.ok(typeof next === 'object');
  const apiKey = first.state.makeApiKey('claude_code');
  await first.close();

  const { state, caPem, close } = await startDoubles({ folder });
  t.after(close);
  assert.equal(caPem, first.caPem);
  assert.equal(state.tokens.standing('openai_codex', next.accessToken), 'good');
  assert.equal(state.tokens.refresh('openai_codex', old.refreshToken), 'used');
  assert.ok(typeof state.tokens.refresh('openai_codex', next.refreshToken) === 'object');
  assert.ok(state.apiKeys.claude_code.has(apiKey));
});

test('nobody else may read the folder', { timeout }, async (t) => {
  const folder = await scratchFolder(t);
  const { state, close } = await startDoubles({ folder });
  t.after(close);
  state.tokens.issue({ provider: 'claude_code', clientId: 'test', scope: 'user:inference' });
  const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);
  assert.equal(await modeOf(folder), '700');
  for (const name of await readdir(folder)) assert.equal(await modeOf(join(folder, name)), '600', name);
});
