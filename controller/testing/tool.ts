/** What the fake Claude Code of a test says and does. */

import type { ExecHandler, FakeAgent, FakeProcess } from '@polydev/drivers/fake/agent';
import type { AuthSession, ExecRequest } from '@polydev/protocol';

export type ToolRun = (request: ExecRequest, process: FakeProcess, agent: FakeAgent) => ReturnType<ExecHandler>;

export interface Script {
  run: ToolRun;
  boot?: (agent: FakeAgent) => void | Promise<void>;
}

export interface Desktop {
  session: AuthSession;
  agent: FakeAgent;
}

export function say(process: FakeProcess, event: object): void {
  process.stdout(JSON.stringify(event));
}

export function sayText(process: FakeProcess, text: string): void {
  say(process, { type: 'stream_event', event: { type: 'content_block_delta', delta: { type: 'text_delta', text } } });
}

export function sayDone(process: FakeProcess): void {
  say(process, {
    type: 'result',
    subtype: 'success',
    is_error: false,
    usage: { input_tokens: 3, output_tokens: 5 },
    total_cost_usd: 0.01,
  });
}

/** Answers well. */
export function toolSays(...pieces: string[]): ToolRun {
  return (_, process) => {
    say(process, { type: 'system', subtype: 'init', session_id: 'c1', model: 'a-model' });
    for (const piece of pieces) sayText(process, piece);
    sayDone(process);
    return 0;
  };
}

/** Fails as Claude Code does. */
export function toolFails(error: string, text: string): ToolRun {
  return (_, process) => {
    say(process, { type: 'assistant', error, message: { id: 'm1', content: [{ type: 'text', text }] } });
    say(process, { type: 'result', subtype: 'success', is_error: true, result: text });
    return 1;
  };
}

export const refused = toolFails('authentication_failed', 'OAuth session expired and could not be refreshed');
export const limited = toolFails('rate_limit', 'You have hit your usage limit');

/** Says one word and then nothing until it is stopped. */
export const hangs: ToolRun = async (_, process) => {
  sayText(process, 'thinking');
  await new Promise((resolve) => process.signal.addEventListener('abort', resolve, { once: true }));
  return 1;
};

/** Holds back until the test lets go. */
export function gate(): { wait: Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { wait: promise, open: resolve };
}
