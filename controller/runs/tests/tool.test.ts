import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExecEvent } from '@polydev/protocol';
import { providerOf } from '@polydev/providers';
import type { AgentClient } from '../../agent/client.ts';
import { runTool } from '../tool.ts';

/** An agent that says the same for ever. */
function endless(event: ExecEvent): { agent: AgentClient; cancelled: string[] } {
  const cancelled: string[] = [];
  const agent: Partial<AgentClient> = {
    exec: async () => {},
    async *execEvents() {
      for (;;) yield event;
    },
    cancelExec: async (id) => void cancelled.push(id),
  };
  return { agent: agent as AgentClient, cancelled };
}

test('a tool of which the agent says for ever that a line was dropped is given up', { timeout: 120_000 }, async () => {
  const { agent, cancelled } = endless({ n: 1, atMs: 1, type: 'dropped', from: 'stderr' });
  const never = new AbortController().signal;
  const failure = await runTool({
    ...{ agent, provider: providerOf('claude_code'), execId: 'run', kind: 'api_key', redact: (text) => text },
    ...{ prompt: 'hello', deadlineMs: 120_000, stop: never, gone: never, onEvent() {} },
  });
  assert.equal(failure?.code, 'provider_failed');
  assert.deepEqual(cancelled, ['run']);
});
