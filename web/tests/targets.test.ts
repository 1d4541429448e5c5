import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseTarget, targetsOf } from '../src/app/runs/targets.ts';
import { credential, fullCredentials, providers } from './fixture/data.ts';

const nowMs = Date.now();
const second = credential(nowMs, { id: 'crd_second', label: 'work', account: { email: 'work@example.org' } });

test('a tool with several accounts is offered once for each, with its name', () => {
  const targets = targetsOf(providers, [credential(nowMs), second]);
  assert.deepEqual(
    targets.map(({ name, remark }) => [name, remark]),
    [
      ['Claude Code, ada@example.org', null],
      ['Claude Code, work', null],
      ['Codex', 'Not connected'],
      ['Gemini CLI', 'Not connected'],
    ],
  );
});

test('what was asked for is chosen while it is connected; else what works', () => {
  const targets = targetsOf(providers, [...fullCredentials(nowMs), second]);
  assert.equal(chooseTarget(targets, 'crd_second')?.credentialId, 'crd_second');
  assert.equal(chooseTarget(targets, 'google_gemini')?.provider.id, 'google_gemini');
  assert.equal(chooseTarget(targets, 'openai_codex')?.remark, 'Sign in again');
  assert.equal(chooseTarget(targets, 'gone')?.provider.id, 'claude_code');
  assert.equal(chooseTarget(targetsOf(providers, []), null), undefined);
});
