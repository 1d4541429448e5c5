import assert from 'node:assert/strict';
import { test } from 'node:test';
import { polydev } from '../src/app/data/client.ts';
import { reach } from '../src/app/data/reach.ts';

const timeout = 20_000;

test('a refusal is no absence, but a database that is away is one, until it is back', { timeout }, async (t) => {
  let well = true;
  const refusal = { error: { code: 'unavailable', message: '', hint: '', requestId: '' } };
  const answer = (good: boolean) => (good ? Response.json({ items: [] }) : Response.json(refusal, { status: 503 }));
  let full = true;
  t.mock.method(globalThis, 'fetch', async (input: string) => {
    if (input === '/health') return answer(well);
    return answer(well && !full);
  });
  const changed = () => new Promise<void>((resolve) => reach.subscribe(resolve));
  await assert.rejects(polydev.runs.list());
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(reach.get(), true);
  well = false;
  full = false;
  const left = changed();
  await assert.rejects(polydev.runs.list());
  await left;
  assert.equal(reach.get(), false);
  const back = changed();
  well = true;
  await back;
  assert.equal(reach.get(), true);
});
