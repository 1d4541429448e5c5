import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { providerIds, RunEvent } from '@polydev/protocol';
import fc from 'fast-check';
import { Value } from 'typebox/value';
import { providerOf } from '../index.ts';
import { classify } from '../shared/classify.ts';
import { replay } from './replay.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Words that the parsers look for, so that random JSON comes near what they read. */
const words = [
  ...['type', 'subtype', 'system', 'init', 'stream_event', 'event', 'delta', 'text_delta', 'text', 'assistant', 'user'],
  ...['message', 'content', 'id', 'tool_use', 'tool_result', 'result', 'is_error', 'usage', 'input_tokens', 'stats'],
  ...['item', 'item.completed', 'agent_message', 'error', 'turn.failed', 'turn.completed', 'role', 'status', 'errors'],
  ...['rate_limit_event', 'api_retry', 'total_cost_usd', '__proto__', 'constructor', 'command_execution', 'command'],
];
const word = fc.constantFrom(...words);
const nearJson = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    word,
    fc.string(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    tie('list'),
    tie('object'),
  ),
  list: fc.array(tie('value'), { maxLength: 4 }),
  object: fc.dictionary(word, tie('value'), { maxKeys: 8 }),
})).object;
const line = fc.oneof(
  fc.string(),
  fc.json(),
  nearJson.map((value) => JSON.stringify(value)),
);

for (const id of providerIds) {
  suite(`${id}: the parser`, { timeout: 60_000 }, () => {
    test('takes any lines, never throws, gives only events of the protocol, and ends once', () => {
      fc.assert(
        fc.property(fc.array(line, { maxLength: 30 }), fc.option(fc.integer()), fc.string(), (lines, exit, stderr) => {
          const { events } = replay(id, lines, exit, stderr);
          for (const event of events)
            assert.ok(Value.Check(RunEvent, JSON.parse(JSON.stringify(event))), JSON.stringify(event));
          assert.equal(events.filter(({ type }) => type === 'finished' || type === 'failure').length, 1);
        }),
        { numRuns: 1000 },
      );
    });

    test('a cost that nobody could have is no cost', () => {
      const costs = [-1, 0, 0.5, 1.7e308].map((cost) => {
        const { events } = replay(id, [`{"type":"result","subtype":"success","total_cost_usd":${cost}}`]);
        return events.flatMap((event) => (event.type === 'usage' ? (event.usage.costUsd ?? 'none') : []));
      });
      assert.deepEqual(costs, id === 'claude_code' ? [['none'], [0], [0.5], ['none']] : [[], [], [], []]);
    });

    test('takes JSON nested deeper than anyone could walk', () => {
      for (const [open, close] of [
        ['[', ']'],
        ['{"content":', '}'],
      ] as const) {
        const deep = `${open.repeat(100_000)}1${close.repeat(100_000)}`;
        const lines = [deep, `{"type":"tool_use","parameters":${deep}}`, `{"type":"item.started","item":${deep}}`];
        const { raws } = replay(id, lines);
        assert.deepEqual(raws, [undefined, undefined, undefined]);
      }
    });

    test('keeps nothing of what passes through', { timeout: 60_000 }, () => {
      const parser = providerOf(id).createParser();
      const long = 'x'.repeat(64 * 1024);
      const measure = () => {
        collectGarbage();
        return process.memoryUsage().heapUsed;
      };
      const feed = (n: number) => {
        parser.line(JSON.stringify({ type: 'message', role: 'assistant', content: `${long}${n}`, delta: true }));
        parser.line(JSON.stringify({ type: 'tool_use', tool_id: `t${n}`, tool_name: long }));
        parser.line(
          JSON.stringify({ type: 'item.completed', item: { type: 'agent_message', id: `i${n}`, text: long } }),
        );
        parser.line(JSON.stringify({ type: 'error', message: long }));
        const content = [
          { type: 'text', text: long },
          { type: 'tool_use', id: `${n}`, name: 'x' },
        ];
        parser.line(JSON.stringify({ type: 'assistant', message: { id: `m${n}`, content } }));
      };
      for (let n = 0; n < 100; n++) feed(n);
      const before = measure();
      for (let n = 0; n < 1000; n++) feed(n);
      assert.ok(measure() - before < 32 * 1024 * 1024);
    });

    test('says that a tool which died without a word failed', () => {
      const { events } = replay(id, [], null, '');
      assert.deepEqual(
        events.map((event) => [event.type, event.type === 'failure' && event.code]),
        [['failure', 'provider_failed']],
      );
      assert.match(JSON.stringify(replay(id, [], 9, '').events), /exit status 9/);
    });

    test('finds the reason on stderr when stdout had none', () => {
      const stderr = 'Starting\nError: 401 Unauthorized: please sign in again\n    at main (file.js:1:1)\n';
      const [failure] = replay(id, [], 1, stderr).events;
      assert.equal(failure?.type === 'failure' && failure.code, 'provider_auth');
      assert.equal(
        failure?.type === 'failure' && failure.message,
        'Starting Error: 401 Unauthorized: please sign in again',
      );
    });

    test('shows no key that an error quotes', () => {
      const secrets = [
        'sk-ant-api03-abcdefghijkl',
        'sk-proj-abc_def-ghijkl',
        'AIzaSyA1234567890',
        'ya29.a0AfH6SMBx',
        'eyJhbGciOi.eyJz.c2ln',
      ];
      for (const secret of secrets) {
        const lines = [
          { type: 'error', message: `Reconnecting with ${secret}`, severity: 'warning' },
          { type: 'turn.failed', error: { message: `Wrong key:\n${secret}` } },
          {
            type: 'result',
            status: 'error',
            is_error: true,
            result: `Wrong ${secret}`,
            error: { message: `Wrong ${secret}` },
          },
        ];
        for (const tail of ['', `Wrong ${secret}`]) {
          const { events, raws } = replay(id, tail ? [] : lines, 1, tail);
          assert.doesNotMatch(JSON.stringify([events, raws]), new RegExp(secret.slice(-6).replaceAll('.', '\\.')));
        }
      }
    });
  });
}

test('Claude Code: text that came in pieces is not said again by the whole message, nor by the result', () => {
  const delta = (text: string) => ({
    type: 'stream_event',
    event: { type: 'content_block_delta', delta: { type: 'text_delta', text } },
  });
  const start = (id: string) => ({ type: 'stream_event', event: { type: 'message_start', message: { id } } });
  const whole = (id: string, text: string) => ({
    type: 'assistant',
    message: { id, content: [{ type: 'text', text }] },
  });
  const end = { type: 'result', subtype: 'success', is_error: false, result: 'b' };
  const { answer } = replay('claude_code', [
    start('1'),
    delta('a'),
    delta('a'),
    whole('1', 'aa'),
    start('2'),
    delta('b'),
    whole('2', 'b'),
    end,
  ]);
  assert.equal(answer, 'aa\n\nb');
  assert.equal(replay('claude_code', [whole('1', 'not streamed'), end]).answer, 'not streamed');
  assert.equal(replay('claude_code', [end]).answer, 'b');
});

test('Claude Code: what a helper of the model says is not part of the answer', () => {
  const inner = {
    type: 'assistant',
    parent_tool_use_id: 'toolu_1',
    message: { id: '1', content: [{ type: 'text', text: 'inner' }] },
  };
  assert.equal(replay('claude_code', [inner]).answer, '');
});

test('Claude Code: subtype "success" does not make a failure a success', () => {
  const { events } = replay('claude_code', [{ type: 'result', subtype: 'success', is_error: true, result: 'no' }]);
  assert.deepEqual(events.at(-1), { type: 'failure', code: 'provider_failed', message: 'no' });
});

test('Codex: several messages of one answer are set apart', () => {
  const message = (id: string, text: string) => ({ type: 'item.completed', item: { id, type: 'agent_message', text } });
  const { answer } = replay('openai_codex', [
    message('0', 'First.'),
    message('1', 'Then.'),
    { type: 'turn.completed' },
  ]);
  assert.equal(answer, 'First.\n\nThen.');
});

test('Gemini: an error event is the reason when the result has none', () => {
  const { events } = replay('google_gemini', [
    { type: 'error', severity: 'error', message: 'The model gave no text.' },
    { type: 'result', status: 'error', stats: {} },
  ]);
  assert.deepEqual(events.at(-1), { type: 'failure', code: 'provider_failed', message: 'The model gave no text.' });
});

test('tools are named when they start and when they finish', () => {
  const claude = replay('claude_code', [
    {
      type: 'assistant',
      message: { id: '1', content: [{ type: 'tool_use', id: 't', name: 'Read', input: { path: 'a\nb' } }] },
    },
    { type: 'user', message: { content: [{ type: 'tool_result', tool_use_id: 't', content: 'y'.repeat(900) }] } },
  ]);
  const codex = replay('openai_codex', [
    { type: 'item.started', item: { id: 't', type: 'command_execution', command: 'ls' } },
    { type: 'item.completed', item: { id: 't', type: 'command_execution', command: 'ls', status: 'completed' } },
  ]);
  const gemini = replay('google_gemini', [
    { type: 'tool_use', tool_id: 't', tool_name: 'read_file', parameters: {} },
    { type: 'tool_result', tool_id: 't', status: 'success' },
  ]);
  const tools = [claude, codex, gemini].map(({ events }) =>
    events.flatMap((event) => (event.type === 'tool' ? [`${event.name} ${event.phase}`] : [])),
  );
  assert.deepEqual(tools, [
    ['Read started', 'Read finished'],
    ['command_execution started', 'command_execution finished'],
    ['read_file started', 'read_file finished'],
  ]);
  for (const event of claude.events) if (event.type === 'tool') assert.match(event.summary, /^[^\n]{1,200}$/);
});

suite('a line too long to be taken', { timeout: 30_000 }, () => {
  function runWith(id: (typeof providerIds)[number], ...lines: (object | 'dropped')[]): RunEvent[] {
    const parser = providerOf(id).createParser();
    const events = lines.flatMap((line) =>
      line === 'dropped' ? parser.dropped() : parser.line(JSON.stringify(line)).events,
    );
    return [...events, ...parser.end(0, '')].filter(({ type }) => type !== 'notice');
  }
  const piece = { type: 'stream_event', event: { delta: { type: 'text_delta', text: 'hello' } } };

  test('only repeats what a tool that streams has said: the answer is whole', () => {
    assert.deepEqual(runWith('claude_code', piece, 'dropped'), [{ type: 'text', text: 'hello' }, { type: 'finished' }]);
  });

  test('is the answer itself where it comes in one piece: the run has failed, whatever the tool says', () => {
    const usage = { type: 'turn.completed', usage: { input_tokens: 1, output_tokens: 1 } };
    const [last] = runWith('openai_codex', 'dropped', usage).slice(-1);
    assert.deepEqual(last, {
      type: 'failure',
      code: 'provider_failed',
      message: 'The tool said more at once than Polydev takes.',
    });
  });

  test('without an answer is a failure', () => {
    assert.equal(runWith('claude_code', 'dropped').at(-1)?.type, 'failure');
  });
});

test('Gemini that breaks off its own answer has failed, although it says success', { timeout: 30_000 }, () => {
  const said = { type: 'error', severity: 'warning', message: 'Loop detected, stopping execution' };
  const { events } = replay('google_gemini', [said, { type: 'result', status: 'success', stats: {} }]);
  assert.deepEqual(events.at(-1), {
    type: 'failure',
    code: 'provider_failed',
    message: 'The tool broke off: Loop detected, stopping execution',
  });
});

test('the last words of a tool are what it says to people, not its log', { timeout: 30_000 }, () => {
  const log = '2026-11-20T20:51:11.612459Z ERROR codex_models_manager: failed to refresh: 404 Not Found';
  const { events } = replay('openai_codex', [], 1, `${log}\nError: Input exceeds the maximum length.\n${log}\n`);
  assert.deepEqual(events.at(-1), {
    type: 'failure',
    code: 'provider_failed',
    message: 'Error: Input exceeds the maximum length.',
  });
});

test('what the network says is not about the credential', { timeout: 30_000 }, () => {
  const said = [
    "API Error: Couldn't connect through your proxy (ERR_PROXY_TUNNEL) — the proxy refused the tunnel: check its credentials and that it allows this host",
    'API Error: Unable to connect to API: SSL certificate has expired',
    'API Error: Connection dropped (ECONNRESET). Check the proxy set in https_proxy, then try again.',
    'Connection failed: error sending request',
    'exception TypeError: fetch failed sending request',
  ];
  for (const message of said) assert.equal(classify(message), 'provider_unreachable', message);
  assert.equal(classify('unexpected status 401 Unauthorized: Incorrect API key provided.'), 'provider_auth');
  assert.equal(classify('stream disconnected before completion: stream closed'), 'provider_failed');
});

test('an answer that is cut off in the middle says so', { timeout: 30_000 }, () => {
  const { events } = replay('google_gemini', [
    { type: 'message', role: 'assistant', content: 'one two', delta: true },
    { type: 'result', status: 'error', error: { type: 'Error', message: '[API Error: terminated]' }, stats: {} },
  ]);
  const message = 'The connection broke off in the middle of the answer.';
  assert.deepEqual(events.at(-1), { type: 'failure', code: 'provider_unreachable', message });
});
