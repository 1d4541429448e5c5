/** One process of a tool: fed, listened to line by line, and ended in time with everything it started. */

import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { type ExecEvent, type ExecRequest, limits } from '@polydev/protocol';
import type { EventLog } from '../events/event-log.ts';
import type { Owner } from '../home/owner.ts';
import { killLeftovers, send } from './leftovers.ts';
import { createLineSplitter } from './line-splitter.ts';

export type ExecReason = Extract<ExecEvent, { type: 'exit' }>['reason'];

export interface RunningProcess {
  /** Asks the group to end, and kills it when it does not. */
  stop(reason: ExecReason): void;
  readonly ended: boolean;
}

const execVariable = 'POLYDEV_EXEC';

export function startProcess(
  request: Pick<ExecRequest, 'id' | 'argv' | 'stdin' | 'deadlineMs'>,
  deps: { owner: Owner; folder: string; environment: Record<string, string>; log: EventLog<ExecEvent> },
): RunningProcess {
  const { owner, log } = deps;
  const [command = '', ...args] = request.argv;
  const child = spawn(command, args, {
    cwd: deps.folder,
    env: { ...deps.environment, [execVariable]: request.id },
    uid: owner.uid,
    gid: owner.gid,
    detached: true, // a session and a process group of its own, both numbered like the process
    stdio: 'pipe',
  });

  let reason: ExecReason | undefined;
  let ended = false;
  let exited = false;
  let killTimer: NodeJS.Timeout | undefined;
  const deadline = setTimeout(() => stop('deadline'), request.deadlineMs);

  function kill(): void {
    if (child.pid === undefined) return;
    if (!exited) send(-child.pid, 'SIGKILL');
    killLeftovers(owner, child.pid, `${execVariable}=${request.id}`);
  }

  function stop(why: ExecReason): void {
    if (reason || ended || child.pid === undefined) return;
    reason = why;
    if (exited) return;
    send(-child.pid, 'SIGTERM');
    killTimer = setTimeout(kill, limits.runKillGraceMs);
  }

  function finish(code: number | null, otherwise: ExecReason): void {
    if (ended) return;
    ended = true;
    clearTimeout(deadline);
    clearTimeout(killTimer);
    log.append({ type: 'exit', code, reason: reason ?? otherwise });
    log.end();
  }

  function listen(stream: Readable, type: 'stdout' | 'stderr'): void {
    const note = (
      event: { type: 'stdout' | 'stderr'; line: string } | { type: 'dropped'; from: 'stdout' | 'stderr' },
    ) => {
      if (ended || reason === 'output_limit') return;
      log.append(event);
      if (log.bytes > limits.runOutputBytes) stop('output_limit');
    };
    const tooLong = () => note({ type: 'dropped', from: type });
    const splitter = createLineSplitter({
      maxBytes: limits.runLineBytes,
      line: (line) => (fits(line) ? note({ type, line }) : tooLong()),
      tooLong,
    });
    stream.on('data', (chunk: Buffer) => splitter.push(chunk));
    stream.on('end', () => splitter.end());
    stream.on('error', () => stream.destroy());
  }

  child.on('error', (error) => {
    if (child.pid !== undefined) return;
    log.append({ type: 'stderr', line: `polydev: cannot start ${command}: ${error.message}` });
    finish(null, 'not_started');
  });
  child.on('exit', () => {
    exited = true;
    clearTimeout(killTimer);
    kill();
    killTimer = setTimeout(() => {
      // One that was just becoming another program had no environment to be found by.
      kill();
      // Only something out of reach can hold the pipes open now.
      killTimer = setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, limits.runKillGraceMs);
    }, limits.runKillGraceMs);
  });
  child.on('close', (code) => finish(code, 'ended'));

  listen(child.stdout, 'stdout');
  listen(child.stderr, 'stderr');
  child.stdin.on('error', () => child.stdin.destroy());
  child.stdin.end(request.stdin);

  return {
    stop,
    get ended() {
      return ended;
    },
  };
}

/** Few lines that are short enough can still grow beyond measure in JSON: those full of control characters. */
function fits(line: string): boolean {
  return line.length < limits.runLineBytes / 6 || Buffer.byteLength(JSON.stringify(line)) <= 2 * limits.runLineBytes;
}
