/** Processes that are functions of a test. */

import { type ExecEvent, type ExecRequest, PolydevError } from '@polydev/protocol';
import { createNumberedLog, type NumberedLog } from './numbered-log.ts';

export interface FakeProcess {
  stdout(line: string): void;
  stderr(line: string): void;
  /** Aborts when the process is cancelled or past its deadline. */
  readonly signal: AbortSignal;
}

/** Returns the exit status. What it throws becomes a line on stderr and status 1. */
export type ExecHandler = (request: ExecRequest, process: FakeProcess) => number | Promise<number>;

export interface FakeExecutions {
  /** Everything that was asked for, the oldest first. */
  readonly requests: readonly ExecRequest[];
  /** What runs from now on. */
  handle(handler: ExecHandler): void;
  start(request: ExecRequest): void;
  cancel(id: string): void;
  /** Resolves when all have ended. */
  stopAll(): Promise<void>;
  log(id: string): NumberedLog<ExecEvent>;
  close(): void;
}

interface Execution {
  log: NumberedLog<ExecEvent>;
  stop(reason: 'cancelled' | 'deadline'): void;
}

export function createFakeExecutions(): FakeExecutions {
  const executions = new Map<string, Execution>();
  const requests: ExecRequest[] = [];
  let handler: ExecHandler = () => 0;

  function found(id: string): Execution {
    const execution = executions.get(id);
    if (!execution) throw new PolydevError('not_found', 'There is no such process.');
    return execution;
  }

  function launch(request: ExecRequest): Execution {
    const log = createNumberedLog<ExecEvent>();
    const stopped = new AbortController();
    const finish = (code: number | null, reason: 'ended' | 'cancelled' | 'deadline') => {
      clearTimeout(deadline);
      log.append({ type: 'exit', code, reason });
      log.end();
    };
    const stop = (reason: 'cancelled' | 'deadline') => {
      stopped.abort();
      finish(null, reason);
    };
    const deadline = setTimeout(stop, request.deadlineMs, 'deadline');
    const process: FakeProcess = {
      stdout: (line) => log.append({ type: 'stdout', line }),
      stderr: (line) => log.append({ type: 'stderr', line }),
      signal: stopped.signal,
    };
    const run = async () => handler(request, process);
    run()
      .catch((error: unknown) => {
        process.stderr(String(error));
        return 1;
      })
      .then((code) => finish(code, 'ended'));
    return { log, stop };
  }

  function stopAll(): void {
    for (const { stop, log } of executions.values()) if (!log.ended) stop('cancelled');
  }

  return {
    requests,
    handle(next) {
      handler = next;
    },
    start(request) {
      if (executions.has(request.id)) throw new PolydevError('already_done', 'A process with this id was started.');
      requests.push(request);
      executions.set(request.id, launch(request));
    },
    cancel: (id) => found(id).stop('cancelled'),
    async stopAll() {
      stopAll();
    },
    log: (id) => found(id).log,
    close: stopAll,
  };
}
