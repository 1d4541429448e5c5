/** The whole controller as a process of its own, over a host service whose sandboxes are fake. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { createFakeDriver, type FakeDriver } from '@polydev/drivers/fake/driver';
import * as box from '@polydev/vault/box';
import { copyMadeDatabase } from '../../setup/made-database.ts';
import { startFakeHostd } from './fake-hostd.ts';

export const main = join(import.meta.dirname, '../main.ts');

export interface ControllerProcess {
  /** Settles when there is a line, or will be none. */
  spoken: Promise<unknown>;
  readonly line: Record<string, unknown> & { error?: { code: string; message: string } };
  log(): string;
  stdout(): string[];
  /** Answers the exit code and how long it took. */
  stop(signal?: NodeJS.Signals): Promise<{ code: number | null; tookMs: number }>;
  exited: Promise<unknown[]>;
}

interface ScratchOptions {
  driver?: FakeDriver;
  /** The database is there already, empty: another test is about its making. */
  withDatabase?: boolean;
}

export async function scratchFolder(
  t: TestContext,
  { driver = createFakeDriver({ box }), withDatabase = true }: ScratchOptions = {},
): Promise<string> {
  const scratch = await mkdtemp(join(tmpdir(), 'polydev-start-'));
  t.after(() => rm(scratch, { recursive: true, force: true }));
  if (withDatabase) await copyMadeDatabase(join(scratch, 'data/database'));
  const stopHostd = await startFakeHostd(join(scratch, 'hostd.sock'), driver);
  t.after(async () => {
    await stopHostd();
    await driver.close({ keep: false });
  });
  return scratch;
}

/** Resolves when it has said its line, or has ended without. */
export async function startController(
  t: TestContext,
  scratch: string,
  args: string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<ControllerProcess> {
  const controller = spawnController(t, scratch, args, env);
  await controller.spoken;
  return controller;
}

export function spawnController(
  t: TestContext,
  scratch: string,
  args: string[] = [],
  env: NodeJS.ProcessEnv = {},
): ControllerProcess {
  const common = ['--port', '0', '--data', join(scratch, 'data'), '--hostd', join(scratch, 'hostd.sock')];
  const egress = ['--egress-address', '127.0.0.1', '--egress-port', '0'];
  const child = spawn(process.execPath, [main, ...common, ...egress, '--allow-root', ...args], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  let log = '';
  child.stderr.on('data', (chunk) => (log += chunk));
  const stdout: string[] = [];
  const lines = createInterface(child.stdout);
  lines.on('line', (line) => stdout.push(line));
  t.after(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  return {
    spoken: Promise.race([once(lines, 'line'), exited]),
    get line() {
      return JSON.parse(stdout[0] ?? '{}');
    },
    log: () => log,
    stdout: () => stdout,
    exited,
    async stop(signal = 'SIGTERM') {
      const startMs = performance.now();
      child.kill(signal);
      const [code] = await exited;
      return { code: code as number | null, tookMs: performance.now() - startMs };
    },
  };
}
