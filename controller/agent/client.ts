/**
 * The controller's end of the agent's interface (protocol/agent.ts). The agent may have been taken over by what runs
 * beside it, so every word of it is checked: `agent_talks_nonsense` is its fault, `agent_unreachable` its silence.
 */

import {
  AgentEvent,
  AgentHealth,
  AgentJournal,
  type Claim,
  Claimed,
  CollectedCredential,
  ExecEvent,
  type ExecRequest,
  limits,
  PolydevError,
  type Preparation,
  type SealedBox,
} from '@polydev/protocol';
import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { type AgentAddress, createAgentHttp } from './http.ts';
import { readLines } from './ndjson.ts';
import { resume } from './resume.ts';

const maxEventBytes = 4 * limits.credentialBytes;
/** A line of output stands in JSON, which at most doubles what is JSON already. */
const maxExecEventBytes = 2 * limits.runLineBytes + 1024;

export interface AgentClient {
  health(): Promise<AgentHealth>;
  prepare(preparation: Preparation): Promise<void>;
  claim(claim: Claim): Promise<Claimed>;
  /** Ends when the signal aborts. */
  events(after: number, signal: AbortSignal): AsyncIterable<AgentEvent>;
  restore(sealed: SealedBox): Promise<void>;
  collect(): Promise<CollectedCredential>;
  /** `already_done` when a process with this id was started before. */
  exec(request: ExecRequest): Promise<void>;
  /** Ends after `exit`, or when the signal aborts. */
  execEvents(id: string, after: number, signal: AbortSignal): AsyncIterable<ExecEvent>;
  cancelExec(id: string): Promise<void>;
  /** The newest of it. */
  journal(): Promise<string>;
  /** Ends all there are; resolves when they have. */
  stopExecs(): Promise<void>;
}

export interface AgentClientOptions {
  requestMs?: number;
  resumeDelaysMs?: readonly number[];
}

const parseHealth = parserOf(AgentHealth);
const parseClaimed = parserOf(Claimed);
const parseCollected = parserOf(CollectedCredential);
const parseJournal = parserOf(AgentJournal);
const parseEvent = parserOf(AgentEvent);
const parseExecEvent = parserOf(ExecEvent);

export function createAgentClient(address: AgentAddress, options: AgentClientOptions = {}): AgentClient {
  const http = createAgentHttp(address, options.requestMs);
  const delaysMs = options.resumeDelaysMs;

  /** What an agent refuses that does not know its claim any more, it refuses because it had to start again. */
  async function asked<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      if (error instanceof PolydevError && error.details.status === 503) await requireClaimed();
      throw error;
    }
  }

  const health = async () => parseHealth(await http.ask('GET', '/health'));

  /** An agent that had to start again counts from 1 and has forgotten its claim: it is not the one to go on with. */
  async function requireClaimed(): Promise<void> {
    if (!(await health()).claimed)
      throw new PolydevError('sandbox_failed', 'The agent in the sandbox broke down and started again.');
  }

  /** Connects to a stream, and whenever it was lost once more. */
  function connector<E>(path: string, maxBytes: number, parse: (text: string) => E, signal: AbortSignal) {
    let before = false;
    return async function* (after: number) {
      if (before) await requireClaimed();
      before = true;
      yield* connect(`${path}?after=${after}`, maxBytes, parse, signal);
    };
  }

  async function* connect<E>(path: string, maxBytes: number, parse: (text: string) => E, signal: AbortSignal) {
    const answer = await http.open(path, signal);
    try {
      for await (const line of readLines(answer, maxBytes)) yield parse(line);
    } finally {
      answer.destroy();
    }
  }

  return {
    health,
    prepare: async (preparation) => void (await http.ask('POST', '/prepare', preparation)),
    claim: async (claim) => parseClaimed(await http.ask('POST', '/claim', claim)),
    collect: async () => parseCollected(await asked(http.ask('POST', '/credential/collect'))),
    restore: async (sealed) => void (await asked(http.ask('POST', '/credential/restore', { sealed }))),
    async exec(request) {
      await asked(http.ask('POST', '/exec', request)).catch((error) => {
        const known = error instanceof PolydevError && error.details.status === 409;
        throw known ? new PolydevError('already_done', 'The process was started before.') : error;
      });
    },
    cancelExec: async (id) => void (await http.ask('DELETE', `/exec/${encodeURIComponent(id)}`)),

    journal: async () => parseJournal(await http.ask('GET', '/journal')).text,
    stopExecs: async () => void (await http.ask('DELETE', '/exec')),

    events: (after, signal) =>
      resume(
        {
          connect: connector('/events', maxEventBytes, parseEvent, signal),
          isLast: () => false,
          signal,
          delaysMs,
        },
        after,
      ),

    execEvents: (id, after, signal) =>
      resume(
        {
          connect: connector(`/exec/${encodeURIComponent(id)}/events`, maxExecEventBytes, parseExecEvent, signal),
          isLast: (event) => event.type === 'exit',
          signal,
          delaysMs,
        },
        after,
      ),
  };
}

function parserOf<S extends TSchema>(schema: S): (text: string) => Static<S> {
  const validator = Compile(schema);
  return (text) => {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw nonsense();
    }
    if (!validator.Check(value)) throw nonsense();
    return value;
  };
}

/** Without a cause: what was said may hold secrets, and a parser's message quotes it. */
function nonsense(): PolydevError {
  return new PolydevError('agent_talks_nonsense', 'The sandbox said something that Polydev does not understand.');
}
