import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PolydevError, type SandboxSpec } from '@polydev/protocol';
import { acquireAll, type Resource, releaseAll } from '../resources.ts';

const spec = {} as SandboxSpec;
const signal = new AbortController().signal;

function recorded(name: string, log: string[], options: { fails?: boolean; stays?: boolean } = {}): Resource {
  return {
    name,
    acquire: async () => void log.push(`+${name}`),
    async release() {
      log.push(`-${name}`);
      if (options.fails) throw new Error(`${name} is busy`);
    },
    remains: async () => (options.stays ? [`the ${name}`] : []),
  };
}

test('released in the reverse of the order in which they were acquired', async () => {
  const log: string[] = [];
  const list = ['a', 'b', 'c'].map((name) => recorded(name, log));
  await acquireAll(list, spec, { signal, onStep: (step) => log.push(`(${step})`) });
  await releaseAll(list);
  assert.deepEqual(log, ['+a', '(a)', '+b', '(b)', '+c', '(c)', '-c', '-b', '-a']);
});

test('one that will not go stops nobody else, and is named in the error with the reason in its cause', async () => {
  const log: string[] = [];
  const list = [recorded('a', log), recorded('b', log, { fails: true, stays: true }), recorded('c', log)];
  await assert.rejects(releaseAll(list), (error) => {
    assert.ok(error instanceof PolydevError);
    assert.match(error.message, /the b/);
    assert.match(String(error.cause), /b is busy/);
    return true;
  });
  assert.deepEqual(log, ['-c', '-b', '-a']);
});

test('a step that failed and left nothing is no failure', async () => {
  await releaseAll([recorded('a', [], { fails: true })]);
});

test('an abort is seen before the next step', async () => {
  const log: string[] = [];
  const cancel = new AbortController();
  const list = ['a', 'b'].map((name) => recorded(name, log));
  const acquired = acquireAll(list, spec, { signal: cancel.signal, onStep: () => cancel.abort() });
  await assert.rejects(acquired, { name: 'AbortError' });
  assert.deepEqual(log, ['+a']);
});
