/** One prompt given to the tool in a claimed sandbox: starts it, reads what it says, and tells how it ended. */

import { type ExecEvent, limits, PolydevError, type RunEvent } from '@polydev/protocol';
import type { Provider } from '@polydev/providers/provider';
import { abortError } from '../abort.ts';
import type { AgentClient } from '../agent/client.ts';
import type { Redact } from '../credentials/redact.ts';

const stderrTailChars = 8 * 1024;
/** What each line counts beside its text, as short ones cost, too. The agent counts as much, so it is the first to stop. */
const lineBytes = 128;

export interface ToolRequest {
  agent: AgentClient;
  provider: Provider;
  /** Unique within the sandbox; `ExecRequest.id`. */
  execId: string;
  kind: 'files' | 'api_key';
  /** What the tool says passes through here first. */
  redact: Redact;
  model?: string | undefined;
  prompt: string;
  deadlineMs: number;
  /** Aborting asks the tool to end; its reason becomes the failure. */
  stop: AbortSignal;
  /** Aborts when the sandbox is gone, or left to another controller; its reason is thrown. */
  gone: AbortSignal;
  /** What the sandbox was refused: why nobody was there, the gateway knows better than the tool. */
  refusal?: () => PolydevError | null;
  /** Awaited, so that a slow taker slows the tool. */
  onEvent(event: RunEvent, source?: SourceLine): Promise<void> | void;
}

/** The tool's line that an event came from; of several events of one line the first has it. */
export interface SourceLine {
  line: string;
  /** Its JSON, when it was JSON. */
  raw?: unknown;
}

/** Why the tool did not do it, or null. */
export type ToolFailure = PolydevError | null;

/** Rejects only when the sandbox cannot be talked to any more. */
export async function runTool(request: ToolRequest): Promise<ToolFailure> {
  const { agent, provider, execId, kind, model, prompt, deadlineMs, stop, gone } = request;
  if (stop.aborted) return abortError(stop);
  const command = provider.run({ kind, ...(model !== undefined && { model }) });
  await agent.exec({ id: execId, ...command, stdin: prompt, deadlineMs }).catch((error) => {
    // It runs, or has run, since before this controller started: then all that it said is heard again.
    if (!(error instanceof PolydevError) || error.code !== 'already_done') throw error;
  });

  const ending = new AbortController();
  const stopping = stopWhenAsked(request, ending);
  try {
    return await readTool(request, AbortSignal.any([gone, ending.signal]));
  } finally {
    stopping.close();
  }
}

/** Stopping climbs: the agent is asked to end the process group, and if its end is not heard in time, nobody listens. */
function stopWhenAsked({ agent, execId, stop, deadlineMs }: ToolRequest, ending: AbortController): { close(): void } {
  let timer: NodeJS.Timeout | undefined;
  const end = (reason: PolydevError) => {
    clearTimeout(timer);
    timer = setTimeout(() => ending.abort(reason), limits.runGiveUpMs);
    agent.cancelExec(execId).catch(() => {}); // What does not hear is given up.
  };
  const onStop = () => end(abortError(stop));
  stop.addEventListener('abort', onStop, { once: true });
  // The agent keeps the deadline; this is for one that does not.
  timer = setTimeout(() => end(timedOut(deadlineMs)), deadlineMs + limits.runGiveUpMs);
  if (stop.aborted) onStop();
  return {
    close() {
      clearTimeout(timer);
      stop.removeEventListener('abort', onStop);
    },
  };
}

async function readTool(request: ToolRequest, signal: AbortSignal): Promise<ToolFailure> {
  const { agent, provider, execId, redact, stop, gone, onEvent } = request;
  const parser = provider.createParser();
  let verdict: RunEvent | undefined;
  let stderrTail = '';
  let outputBytes = 0;

  async function take(events: RunEvent[], source?: SourceLine): Promise<void> {
    for (const [index, event] of events.entries()) {
      if (event.type === 'failure' || event.type === 'finished') verdict = event;
      await onEvent(event, index === 0 ? source : undefined);
    }
  }

  for await (const event of agent.execEvents(execId, 0, signal)) {
    if (event.type === 'exit') {
      if (event.reason === 'ended') await take(parser.end(event.code, stderrTail));
      return failureOf(event, verdict, request);
    }
    outputBytes += lineBytes + (event.type === 'dropped' ? 0 : Buffer.byteLength(event.line));
    if (outputBytes > limits.runOutputBytes) {
      agent.cancelExec(execId).catch(() => {});
      return tooMuch();
    }
    if (event.type === 'dropped') {
      if (event.from === 'stdout') await take(parser.dropped());
      continue;
    }
    const line = redact(event.line);
    if (event.type === 'stdout') {
      const { events, raw } = parser.line(line);
      await take(events, { line, raw });
    } else {
      stderrTail = `${stderrTail}${line}\n`.slice(-stderrTailChars);
    }
  }
  if (gone.aborted) throw abortError(gone);
  return stop.aborted ? abortError(stop) : abortError(signal);
}

function failureOf(
  { reason }: Extract<ExecEvent, { type: 'exit' }>,
  verdict: RunEvent | undefined,
  { stop, deadlineMs, refusal }: ToolRequest,
): ToolFailure {
  if (reason === 'deadline') return timedOut(deadlineMs);
  if (reason === 'output_limit') return tooMuch();
  if (reason === 'not_started') return new PolydevError('sandbox_failed', 'The tool could not be started.');
  if (reason === 'cancelled') {
    return stop.aborted ? abortError(stop) : new PolydevError('run_cancelled', 'The tool was stopped.');
  }
  if (verdict?.type === 'finished') return null;
  if (verdict?.type === 'failure') {
    const refused = verdict.code === 'provider_unreachable' ? refusal?.() : null;
    return refused ?? new PolydevError(verdict.code, verdict.message);
  }
  return new PolydevError('provider_failed', 'The tool ended without saying that it was done.');
}

function timedOut(deadlineMs: number): PolydevError {
  return new PolydevError('run_timeout', `The tool was not done after ${Math.round(deadlineMs / 1000)} s.`);
}

function tooMuch(): PolydevError {
  return new PolydevError('provider_failed', 'The tool printed more than Polydev takes.');
}
