/** One of our processes: started, watched until it says it is ready, started again when it dies. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { isErrorCode, limits, PolydevError } from '@polydev/protocol';
import { openLogFile } from './log-file.ts';

const restartDelaysMs = [200, 1000, 3000, 10_000];
/** Nine times the usual weight. */
const firstNiceness = -10;
/** After this long alive, a death counts as the first one again. */
const settledMs = 60_000;

export type StopSignal = 'SIGTERM' | 'SIGINT';

export interface ChildSpec {
  name: string;
  command: string;
  args: string[];
  env: NodeJS.ProcessEnv;
  cwd: string;
  /** Who it runs as; root when absent. */
  user?: { uid: number; gid: number };
  /** Before what else wants the processors, because somebody waits for its answer. */
  goesFirst?: boolean;
  logFile: string;
}

export interface Child<Ready> {
  ready: Ready;
  /** `SIGTERM`: it will be started again. `SIGINT`: for good. Who lives longer than `killAfterMs` is killed. */
  stop(signal?: StopSignal, killAfterMs?: number): Promise<void>;
}

/**
 * Starts the process and resolves with the JSON object of its first line on stdout. Fails with the `{"error"}` that
 * it printed instead, or with the end of its log.
 */
export async function startChild<Ready>(spec: ChildSpec, onRestart: (sentence: string) => void): Promise<Child<Ready>> {
  await mkdir(dirname(spec.logFile), { recursive: true });

  let stopping = false;
  let deaths = 0;
  let current = launch(spec);
  const ready = await current.ready;

  const watch = async () => {
    while (!stopping) {
      const startedMs = performance.now();
      await current.ended;
      if (stopping) return;
      deaths = performance.now() - startedMs > settledMs ? 0 : deaths + 1;
      const delayMs = restartDelaysMs[Math.min(deaths, restartDelaysMs.length) - 1] ?? restartDelaysMs[0];
      onRestart(`${spec.name} ended unexpectedly; starting it again. Its log: ${spec.logFile}`);
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      if (stopping) return;
      current = launch(spec);
      current.ready.catch((error) => onRestart(error.message));
    }
  };
  void watch();

  return {
    ready: ready as Ready,
    async stop(signal = 'SIGTERM', killAfterMs = signal === 'SIGINT' ? limits.stopForGoodMs : limits.stopKillMs) {
      stopping = true;
      current.process.kill(signal);
      const kill = setTimeout(() => current.process.kill('SIGKILL'), killAfterMs);
      await current.ended;
      clearTimeout(kill);
    },
  };
}

function launch(spec: ChildSpec): { process: ChildProcess; ready: Promise<unknown>; ended: Promise<void> } {
  // setpriv makes the kernel end it when we are killed. A session of its own: Ctrl C and a closed terminal reach us
  // alone, and we stop our processes in order.
  const setpriv = ['setpriv', '--pdeathsig', 'TERM', ...becoming(spec.user), '--', spec.command, ...spec.args];
  const [command = '', ...args] = spec.goesFirst ? ['nice', '-n', String(firstNiceness), ...setpriv] : setpriv;
  const child = spawn(command, args, {
    cwd: spec.cwd,
    env: spec.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  if (spec.goesFirst && child.pid !== undefined) void putSessionFirst(child.pid);
  let tail = '';
  child.stderr.on('data', (chunk) => {
    tail = (tail + chunk).slice(-2000);
  });
  child.stderr.pipe(openLogFile(spec.logFile));

  const ended = new Promise<void>((resolve) => {
    child.on('close', () => resolve());
    child.on('error', () => resolve());
  });
  const ready = new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', (line) => {
      const answer = parse(line);
      if (answer && 'error' in answer) reject(errorOf(answer.error));
      else if (answer) resolve(answer);
      else reject(new PolydevError('internal', `${spec.name} said something unexpected: ${line.slice(0, 200)}`));
    });
    child.on('error', (error) =>
      reject(new PolydevError('internal', `${spec.name} could not be started.`, { cause: error })),
    );
    ended.then(() =>
      reject(
        new PolydevError(
          'internal',
          `${spec.name} ended at its start: ${complaint(tail)} (all of it: ${spec.logFile})`,
        ),
      ),
    );
  });
  ready.catch(() => {});
  return { process: child, ready, ended };
}

/**
 * Outside of control groups the kernel shares the processors among sessions first ("autogroup", sched(7)), and niceness
 * counts only within one of them. Kernels without it have no such file, and who may not raise priorities goes without.
 */
async function putSessionFirst(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/autogroup`, String(firstNiceness)).catch(() => {});
}

function becoming(user: ChildSpec['user']): string[] {
  return user ? ['--reuid', String(user.uid), '--regid', String(user.gid), '--clear-groups'] : [];
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function errorOf(error: unknown): PolydevError {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  return new PolydevError(
    isErrorCode(code) ? code : 'internal',
    typeof message === 'string' ? message : 'Unknown error.',
  );
}

/** Of what Node prints about an error, the line that says which. */
function complaint(text: string): string {
  const lines = text.trim().split('\n');
  return (lines.findLast((line) => /^\S*Error\b/.test(line)) ?? lines.at(-1) ?? '').slice(0, 500);
}
