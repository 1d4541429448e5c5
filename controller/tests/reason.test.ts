import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PolydevError } from '@polydev/protocol';
import { failureOf } from '../reason.ts';

const timeout = 10_000;
const failed = (code: string) => new Error('Failed query', { cause: Object.assign(new Error('no'), { code }) });

test('a database without room says so, whichever client it speaks through', { timeout }, () => {
  for (const code of ['53100', 'ENOSPC', 'EDQUOT']) assert.equal(failureOf(failed(code)).code, 'disk_full');
});

test('what is unknown stays internal, and what is known stays what it is', { timeout }, () => {
  assert.equal(failureOf(failed('42601')).code, 'internal');
  const known = new PolydevError('sandbox_failed', 'The sandbox died.', { cause: failed('53100') });
  assert.equal(failureOf(known), known);
});
