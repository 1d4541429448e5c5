import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { type ProviderId, providerIds, RunEvent, type RunFailureCode } from '@polydev/protocol';
import { Value } from 'typebox/value';
import { replay } from './replay.ts';

/**
 * Recorded from the real tools (Claude Code 2.1.329, Codex 0.169.0, Gemini CLI 0.61.0), started as `run()` says, against
 * local stand-ins of the model servers. Only `refresh-rejected` is written by hand.
 */
const recordings = new URL('fixtures/', import.meta.url);

const greeting = 'Hello from the model.';
type Ending = { exit: number; code: RunFailureCode; says: RegExp } | { exit: 0; usage: [number, number] };
const auth = (exit: number, says: RegExp): Ending => ({ exit, code: 'provider_auth', says });
const limit = (exit: number, says: RegExp): Ending => ({ exit, code: 'provider_limit', says });
const failed = (exit: number, says: RegExp): Ending => ({ exit, code: 'provider_failed', says });
const unreachable = (exit: number, says: RegExp): Ending => ({ exit, code: 'provider_unreachable', says });

const expected: Record<ProviderId, Record<string, Ending>> = {
  claude_code: {
    answer: { exit: 0, usage: [19, 7] },
    'signed-out': auth(1, /Not logged in/),
    'refresh-rejected': auth(1, /could not be refreshed/),
    'wrong-key': auth(1, /Invalid API key/),
    limit: limit(1, /rate limit/),
    'no-credit': limit(1, /Credit balance is too low/),
    'no-model': failed(1, /model/),
    unreachable: unreachable(1, /Connection refused/),
  },
  openai_codex: {
    answer: { exit: 0, usage: [20, 9] },
    'wrong-key': auth(1, /401 Unauthorized/),
    limit: limit(1, /hit your usage limit/),
    'no-credit': limit(1, /Quota exceeded/),
    'no-model': failed(1, /does not exist/),
    unreachable: unreachable(1, /Connection failed/),
  },
  google_gemini: {
    answer: { exit: 0, usage: [40, 18] },
    'signed-out': auth(41, /must specify the GEMINI_API_KEY/),
    'wrong-key': auth(144, /^API key not valid. Please pass a valid API key.$/),
    forbidden: auth(147, /unregistered callers/),
    limit: limit(173, /^You exceeded your current quota/),
    'no-model': failed(1, /^models\/nope is not found/),
    unreachable: unreachable(1, /fetch failed/),
  },
};

for (const id of providerIds) {
  suite(`${id}: a recorded run`, { timeout: 30_000 }, () => {
    const folder = new URL(`${id}/`, recordings);

    for (const [name, ending] of Object.entries(expected[id])) {
      test(`"${name}" ends as it should`, () => {
        const stderrFile = new URL(`${name}.stderr`, folder);
        const stderr = existsSync(stderrFile) ? readFileSync(stderrFile, 'utf8') : '';
        const lines = readFileSync(new URL(`${name}.jsonl`, folder), 'utf8').split('\n');
        const { events, answer } = replay(id, lines, ending.exit, stderr);
        for (const event of events) assert.ok(Value.Check(RunEvent, event), JSON.stringify(event));

        const last = events.at(-1);
        if ('code' in ending) {
          assert.equal(last?.type, 'failure');
          assert.equal(last.code, ending.code);
          assert.match(last.message, ending.says);
          assert.equal(answer, '');
        } else {
          assert.deepEqual(last, { type: 'finished' });
          assert.equal(answer, greeting);
          assert.equal(events[0]?.type, 'started');
          const usage = events.find((event) => event.type === 'usage')?.usage;
          assert.deepEqual([usage?.inputTokens, usage?.outputTokens], ending.usage);
        }
        assert.equal(events.filter(({ type }) => type === 'finished' || type === 'failure').length, 1);
      });
    }

    test('is expected, whichever recording lies there', () => {
      const names = readdirSync(folder).flatMap((file) => (file.endsWith('.jsonl') ? [file.slice(0, -6)] : []));
      assert.deepEqual(names.sort(), Object.keys(expected[id]).sort());
    });
  });
}

test('Claude Code and Gemini stream the answer in pieces', () => {
  for (const id of ['claude_code', 'google_gemini'] as const) {
    const lines = readFileSync(new URL(`${id}/answer.jsonl`, recordings), 'utf8').split('\n');
    const pieces = replay(id, lines).events.flatMap((event) => (event.type === 'text' ? [event.text] : []));
    assert.deepEqual(pieces, ['Hello', ' from', ' the model.']);
  }
});
