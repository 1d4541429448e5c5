/**
 * Every child process of the drivers and of hostd. Arguments are arrays; what a result says, an error says too.
 */

import { type ChildProcess, spawn } from 'node:child_process';

/** Newest part of stdout and stderr that is kept. */
const keptBytes = 64 * 1024;
const defaultDeadlineMs = 10_000;
/** Between one step of stopping and the next. */
const defaultGraceMs = 500;

export interface ExecOptions {
  /** Written to stdin, which is then closed. Without it stdin is empty. */
  input?: string;
  deadlineMs?: number;
  /** How long each of ask and terminate may take before the next, harder step. */
  graceMs?: number;
  /** Exit statuses that are no failure. */
  allow?: readonly number[];
  signal?: AbortSignal;
}

export interface ExecResult {
  argv: readonly string[];
  /** Null when a signal ended it or it never started. */
  code: number | null;
  endedBy: NodeJS.Signals | null;
  stdout: string;
  /** The newest part. */
  stderr: string;
  tookMs: number;
  timedOut: boolean;
  cancelled: boolean;
}

export class ExecError extends Error implements ExecResult {
  readonly argv: readonly string[];
  readonly code: number | null;
  readonly endedBy: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly tookMs: number;
  readonly timedOut: boolean;
  readonly cancelled: boolean;

  constructor(result: ExecResult, cause?: unknown) {
    super(describe(result, cause), cause === undefined ? undefined : { cause });
    this.name = 'ExecError';
    this.argv = result.argv;
    this.code = result.code;
    this.endedBy = result.endedBy;
    this.stdout = result.stdout;
    this.stderr = result.stderr;
    this.tookMs = result.tookMs;
    this.timedOut = result.timedOut;
    this.cancelled = result.cancelled;
  }
}

function describe(result: ExecResult, cause: unknown): string {
  const why = result.timedOut
    ? `took longer than its deadline and was stopped after ${result.tookMs} ms`
    : result.cancelled
      ? 'was cancelled'
      : cause !== undefined
        ? `could not be started (${cause instanceof Error ? cause.message : String(cause)})`
        : result.endedBy
          ? `was ended by ${result.endedBy}`
          : `ended with status ${result.code}`;
  const said = result.stderr.trim();
  return `${result.argv[0]} ${why}${said ? `: ${said.slice(-2000)}` : ''}`;
}

/** Nothing of this process's environment reaches a child. */
export const childEnvironment: Readonly<Record<string, string>> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C.UTF-8',
};

/** Runs a program to its end. Throws ExecError unless it ends with 0 or an allowed status. */
export async function run(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
  const [program, ...args] = argv;
  if (program === undefined) throw new TypeError('argv is empty');
  const startedAtMs = performance.now();
  const state = { timedOut: false, cancelled: false };
  const child = spawn(program, args, { env: childEnvironment, stdio: ['pipe', 'pipe', 'pipe'] });
  const stdout = keepTail(child.stdout);
  const stderr = keepTail(child.stderr);
  child.stdin.on('error', () => undefined); // it may end before it has read everything
  child.stdin.end(options.input ?? '');

  const ended = endOf(child);
  const stop = () => stopChild(child, ended, { graceMs: options.graceMs ?? defaultGraceMs });
  const deadline = setTimeout(() => {
    state.timedOut = true;
    void stop();
  }, options.deadlineMs ?? defaultDeadlineMs);
  const cancel = () => {
    state.cancelled = true;
    void stop();
  };
  if (options.signal?.aborted) cancel();
  options.signal?.addEventListener('abort', cancel, { once: true });

  const end = await ended;
  clearTimeout(deadline);
  options.signal?.removeEventListener('abort', cancel);
  const result: ExecResult = {
    argv,
    code: end.code,
    endedBy: end.endedBy,
    stdout: stdout(),
    stderr: stderr(),
    tookMs: Math.round(performance.now() - startedAtMs),
    ...state,
  };
  const fine = end.code !== null && (end.code === 0 || options.allow?.includes(end.code));
  if (!fine || state.timedOut || state.cancelled) throw new ExecError(result, end.failure);
  return result;
}

interface End {
  code: number | null;
  endedBy: NodeJS.Signals | null;
  /** Why it never started. */
  failure?: Error;
}

/** Resolves when the child has ended and its output is complete. Never rejects. */
export function endOf(child: ChildProcess): Promise<End> {
  return new Promise((resolve) => {
    child.once('error', (failure) => {
      if (child.pid === undefined) resolve({ code: null, endedBy: null, failure });
    });
    child.once('close', (code, endedBy) => resolve({ code, endedBy }));
  });
}

export interface StopOptions {
  /** The child's own polite way, for example a command on its socket. */
  ask?: () => void;
  graceMs: number;
}

/** Ask, terminate, kill: each step waits before the next, and all of them end when the child does. */
async function stopChild(child: ChildProcess, ended: Promise<unknown>, options: StopOptions): Promise<void> {
  const steps = [
    ...(options.ask ? [options.ask] : []),
    () => void child.kill('SIGTERM'),
    () => void child.kill('SIGKILL'),
  ];
  for (const step of steps) {
    step();
    if (await endsWithin(ended, options.graceMs)) return;
  }
  child.stdout?.destroy(); // a grandchild may hold them open
  child.stderr?.destroy();
  await ended;
}

async function endsWithin(ended: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  const inTime = await Promise.race([ended.then(() => true), late]);
  clearTimeout(timer);
  return inTime;
}

function keepTail(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    while (chunks.length > 1 && bytes - (chunks[0]?.length ?? 0) >= keptBytes) bytes -= chunks.shift()?.length ?? 0;
  });
  stream.on('error', () => undefined);
  return () => Buffer.concat(chunks).subarray(-keptBytes).toString('utf8');
}

/**
 * Starts a program that stays, and waits for the one line that it writes to the file descriptor named by the
 * variable. The program is expected to leave this process's family; how it is ended is the caller's business.
 */
export async function runUntilReply(
  argv: readonly string[],
  options: { variable: string; deadlineMs: number; cwd: string },
): Promise<string> {
  const [program, ...args] = argv;
  if (program === undefined) throw new TypeError('argv is empty');
  const startedAtMs = performance.now();
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...childEnvironment, [options.variable]: '3' },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const stderr = keepTail(child.stderr as NodeJS.ReadableStream);
  const pipe = child.stdio[3] as NodeJS.ReadableStream & { destroy(): void };
  let timedOut = false;
  let timer: NodeJS.Timeout | undefined;
  let failure: Error | undefined;
  child.once('error', (error) => {
    failure = error;
  });
  try {
    const line = await new Promise<string | undefined>((resolve) => {
      let text = '';
      pipe.on('data', (chunk: Buffer) => {
        text += chunk.toString('utf8');
        if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')));
      });
      pipe.on('error', () => resolve(undefined));
      pipe.on('close', () => resolve(text || undefined));
      timer = setTimeout(() => {
        timedOut = true;
        resolve(undefined);
      }, options.deadlineMs);
    });
    if (line !== undefined) return line;
    const tookMs = Math.round(performance.now() - startedAtMs);
    const result = { argv, code: child.exitCode, endedBy: child.signalCode, stdout: '', stderr: stderr(), tookMs };
    throw new ExecError({ ...result, timedOut, cancelled: false }, failure);
  } finally {
    clearTimeout(timer);
    pipe.destroy();
    child.stderr?.destroy();
    child.unref();
  }
}
