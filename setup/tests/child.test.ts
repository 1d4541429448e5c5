import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { limits } from '@polydev/protocol';
import { type ChildSpec, startChild } from '../child.ts';
import { stopAll } from '../processes.ts';

/** Says its pid on the first line, then lives until it is told to stop. */
const program = `
  process.on('SIGTERM', () => process.exit(0));
  process.stdout.write(JSON.stringify({ pid: process.pid }) + '\\n');
  setInterval(() => {}, 1000);
`;

/** Resolves when it holds. The test's own time limit ends it. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(10);
}

function scratch(t: TestContext): { folder: string; spec: ChildSpec } {
  const folder = mkdtempSync(join(tmpdir(), 'polydev-child-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'program.mjs');
  writeFileSync(file, program);
  const spec = {
    name: 'program',
    command: process.execPath,
    args: [file],
    env: {},
    cwd: folder,
    logFile: join(folder, 'log'),
  };
  return { folder, spec };
}

/** Of /proc/<pid>/stat, counted as proc(5) does: 5 is the process group, 19 the niceness. */
function statOf(pid: number, field: number): number {
  return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[field - 3]);
}

test('what interrupts the terminal does not reach a child', { timeout: 20_000 }, async (t) => {
  const child = await startChild<{ pid: number }>(scratch(t).spec, () => undefined);
  assert.notEqual(statOf(child.ready.pid, 5), statOf(process.pid, 5));
  await child.stop();
  assert.equal(existsSync(`/proc/${child.ready.pid}`), false);
});

test('a child that goes first does so within its session, and its session before others', {
  skip: process.getuid?.() !== 0 && 'needs root',
  timeout: 20_000,
}, async (t) => {
  const start = async (more: Partial<ChildSpec>) => {
    const child = await startChild<{ pid: number }>({ ...scratch(t).spec, ...more }, () => undefined);
    t.after(() => child.stop());
    const { pid } = child.ready;
    const session = `/proc/${pid}/autogroup`;
    const sessionNice = () => (existsSync(session) ? Number(readFileSync(session, 'utf8').split(' nice ')[1]) : null);
    return { nice: () => statOf(pid, 19), sessionNice };
  };
  const [first, other] = [await start({ goesFirst: true }), await start({})];
  await until(() => first.nice() === Math.max(other.nice() - 10, -20));
  if (first.sessionNice() === null) return;
  await until(() => first.sessionNice() === -10);
  assert.equal(other.sessionNice(), 0);
});

test('a child that dies is started again', { timeout: 20_000 }, async (t) => {
  let said = '';
  const restarted = Promise.withResolvers<void>();
  const child = await startChild<{ pid: number }>(scratch(t).spec, (sentence) => {
    said = sentence;
    restarted.resolve();
  });
  process.kill(child.ready.pid, 'SIGKILL');
  await restarted.promise;
  assert.match(said, /program ended unexpectedly/);
  await child.stop();
});

test('a child that ends at its start is quoted, and its log is named', { timeout: 20_000 }, async (t) => {
  const { spec, folder } = scratch(t);
  writeFileSync(join(folder, 'program.mjs'), "throw new TypeError('the moon is down');");
  await assert.rejects(
    startChild(spec, () => undefined),
    ({ message }: Error) => {
      assert.equal(message, `program ended at its start: TypeError: the moon is down (all of it: ${spec.logFile})`);
      return true;
    },
  );
  // It is written a moment after the end.
  await until(() => existsSync(spec.logFile) && /program\.mjs:1/.test(readFileSync(spec.logFile, 'utf8')));
});

test('all that hangs is killed within the time of one hand-over', { timeout: 60_000 }, async (t) => {
  const hanging = program.replace('process.exit(0)', '{}');
  const start = async () => {
    const { spec } = scratch(t);
    writeFileSync(spec.args[0] ?? '', hanging);
    return await startChild<{ pid: number }>(spec, () => undefined);
  };
  const children = [await start(), await start(), await start()];
  const startedMs = performance.now();
  await stopAll([...children], 'SIGTERM');
  assert.ok(performance.now() - startedMs < 2 * limits.stopKillMs);
  for (const { ready } of children) assert.equal(existsSync(`/proc/${ready.pid}`), false);
});

test('an error on the first line is the error of the start', { timeout: 20_000 }, async (t) => {
  const { spec } = scratch(t);
  const line = `process.stdout.write('{"error":{"code":"master_key_wrong","message":"No."}}\\n')`;
  await assert.rejects(
    startChild({ ...spec, args: ['-e', line] }, () => undefined),
    { code: 'master_key_wrong', message: 'No.' },
  );
});

test('when the one who started it is killed, the child ends', { timeout: 20_000 }, async (t) => {
  const { folder, spec } = scratch(t);
  const ended = join(folder, 'ended');
  writeFileSync(
    spec.args[0] ?? '',
    `import { writeFileSync } from 'node:fs';\n${program.replace('process.exit(0)', `{ writeFileSync(${JSON.stringify(ended)}, ''); process.exit(0); }`)}`,
  );
  const starter = `import { startChild } from ${JSON.stringify(join(import.meta.dirname, '../child.ts'))};
    await startChild(${JSON.stringify(spec)}, () => undefined);
    process.stdout.write('up\\n');`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', starter], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(parent.stdout, 'data');
  const seen = new Promise<void>((resolve) => {
    const watcher = watch(folder, () => {
      if (!existsSync(ended)) return;
      watcher.close();
      resolve();
    });
  });
  parent.kill('SIGKILL');
  await seen;
});
