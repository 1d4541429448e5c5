import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { underLock } from '../build-lock.ts';
import { scratchFolder } from './scratch.ts';

const timeout = 120_000;
const nobodyWaits = () => assert.fail('nothing else holds the lock');

test('a second build waits, says so, and goes on when the first is done', { timeout }, async (t) => {
  const file = join(scratchFolder(t), 'lock');
  const order: string[] = [];
  const second = await underLock(file, nobodyWaits, async () => {
    const waits = Promise.withResolvers<void>();
    const second = underLock(file, waits.resolve, async () => void order.push('second'));
    await waits.promise;
    order.push('first done');
    return { second };
  });
  await second.second;
  assert.deepEqual(order, ['first done', 'second']);
});

test('a build that fails lets the next one in', { timeout }, async (t) => {
  const file = join(scratchFolder(t), 'lock');
  await assert.rejects(
    underLock(file, nobodyWaits, async () => {
      throw new Error('broken');
    }),
    /broken/,
  );
  assert.equal(await underLock(file, nobodyWaits, async () => 'in'), 'in');
});

test('a builder that is killed lets the next one in, but not before the programs it started have ended', {
  timeout,
}, async (t) => {
  const file = join(scratchFolder(t), 'lock');
  // Starts `sleep` with the lock, as the build starts mmdebstrap, tells its process id, and waits to be killed.
  const source = `
    import { underLock } from ${JSON.stringify(join(import.meta.dirname, '../build-lock.ts'))};
    import { spawn } from 'node:child_process';
    await underLock(process.argv[1], () => {}, async (lock) => {
      const child = spawn('sleep', ['600'], { stdio: ['ignore', 'ignore', 'ignore', lock] });
      console.log(child.pid);
      await new Promise(() => setInterval(() => {}, 1000));
    });`;
  const builder = spawn(process.execPath, ['--input-type=module', '--eval', source, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = await once(builder.stdout, 'data');
  const orphan = Number(String(said));
  builder.kill('SIGKILL');
  await once(builder, 'exit');
  let orphanEnded = false;
  await underLock(
    file,
    () => {
      orphanEnded = true;
      process.kill(orphan, 'SIGKILL');
    },
    async () => assert.ok(orphanEnded),
  );
});
