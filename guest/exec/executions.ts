/** All processes that were asked for, by id, with their output for whoever reads it, once or again. */

import { type ExecEvent, type ExecRequest, PolydevError } from '@polydev/protocol';
import { createEventLog, type EventLog } from '../events/event-log.ts';
import type { HomeFolder } from '../home/home-files.ts';
import type { Owner } from '../home/owner.ts';
import { type RunningProcess, startProcess } from './process.ts';

export interface Executions {
  start(request: ExecRequest): void;
  log(id: string): EventLog<ExecEvent>;
  cancel(id: string): void;
  /** Asks all to end. Resolves when they have. */
  stopAll(): Promise<void>;
}

interface Execution {
  process: RunningProcess;
  log: EventLog<ExecEvent>;
}

const runningAtMost = 4;

export function createExecutions(deps: {
  owner: Owner;
  home: HomeFolder;
  /** Relative to the home folder. The tools let a model read where they work, so it is not the home folder itself. */
  workFolder: string;
  environment: Record<string, string>;
  /** What only a process of a tool gets: an API key. */
  secrets: () => Record<string, string>;
  now: () => number;
}): Executions {
  const executions = new Map<string, Execution>();

  function find(id: string): Execution {
    const execution = executions.get(id);
    if (!execution) throw new PolydevError('not_found', 'There is no such process.');
    return execution;
  }

  /** Of those that ended, the latest is kept for a reader who comes back. */
  function makeRoom(): void {
    const ended = [...executions].filter(([, { process }]) => process.ended).map(([id]) => id);
    for (const id of ended.slice(0, -1)) executions.delete(id);
    if (executions.size - Math.min(ended.length, 1) >= runningAtMost)
      throw new PolydevError('capacity', `${runningAtMost} processes are running.`);
  }

  return {
    start(request) {
      if (executions.has(request.id)) throw new PolydevError('already_done', 'A process with this id was started.');
      makeRoom();
      deps.home.makeFolder(deps.workFolder);
      for (const { path, content } of request.files) deps.home.write(path, content);
      const log = createEventLog<ExecEvent>({ keepBytes: Number.POSITIVE_INFINITY, now: deps.now });
      const process = startProcess(request, {
        owner: deps.owner,
        folder: `${deps.home.folder}/${deps.workFolder}`,
        environment: { ...deps.environment, ...request.env, ...deps.secrets() },
        log,
      });
      executions.set(request.id, { process, log });
    },
    log: (id) => find(id).log,
    cancel: (id) => find(id).process.stop('cancelled'),
    async stopAll() {
      await Promise.all(
        [...executions.values()].map(({ process, log }) => {
          process.stop('cancelled');
          return ended(log);
        }),
      );
    },
  };
}

function ended(log: EventLog<ExecEvent>): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!log.ended) return;
      stopListening();
      resolve();
    };
    const stopListening = log.listen(look);
    look();
  });
}
