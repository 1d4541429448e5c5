import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const timeout = 20_000;
const main = fileURLToPath(new URL('../main.ts', import.meta.url));
const providers = { items: [{ id: 'claude_code' }, { id: 'openai_codex' }] };
const reason = { code: 'provider_limit', message: 'The limit is reached.', hint: 'Wait until it resets.' };

type Routes = Record<string, (response: ServerResponse, body: string) => void>;

const json =
  (value: unknown, status = 200) =>
  (response: ServerResponse) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));

const stream =
  (...events: unknown[]) =>
  (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const [index, event] of events.entries()) {
      response.write(`id: ${index + 1}\ndata: ${JSON.stringify({ seq: index + 1, atMs: 1, event })}\n\n`);
    }
    response.end();
  };

const text = (value: string) => ({ type: 'event', event: { type: 'text', text: value } });
const ended = (state: string, why: unknown = null) => ({ type: 'state', state, reason: why });

async function start(t: TestContext, routes: Routes) {
  const bodies: Record<string, string> = {};
  const server = createServer(async (request, response) => {
    const key = `${request.method} ${request.url}`;
    let body = '';
    for await (const chunk of request) body += chunk;
    bodies[key] = body;
    if (request.headers.authorization !== 'Bearer pdv_test') {
      const error = { code: 'not_signed_in', message: 'Not signed in.', hint: 'Send a token.', requestId: 'req_9' };
      return json({ error }, 401)(response);
    }
    const route = routes[key];
    if (route) route(response, body);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const home = await mkdtemp(join(tmpdir(), 'polydev-cli-'));
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await rm(home, { recursive: true });
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const base = { PATH: process.env.PATH, HOME: home };
  const environment: NodeJS.ProcessEnv = { ...base, POLYDEV_URL: url, POLYDEV_TOKEN: 'pdv_test' };
  return {
    url,
    home,
    bodies,
    async polydev(args: string[], stdin = '', env: NodeJS.ProcessEnv = environment) {
      const child = spawn(process.execPath, [main, ...args], { env, stdio: 'pipe' });
      child.stdin.end(stdin);
      const out: string[] = [];
      const err: string[] = [];
      child.stdout.setEncoding('utf8').on('data', (chunk) => out.push(chunk));
      child.stderr.setEncoding('utf8').on('data', (chunk) => err.push(chunk));
      const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
      return { code, out: out.join(''), err: err.join('') };
    },
    withoutSettings: base,
  };
}

const runRoutes = (...events: unknown[]): Routes => ({
  'GET /api/providers': json(providers),
  'POST /api/runs': json({ id: 'run_1' }, 201),
  'GET /api/runs/run_1/events': stream(...events),
});

test('run streams the answer, and only the answer, to stdout', { timeout }, async (t) => {
  const { polydev, bodies } = await start(t, runRoutes(text('Hello'), text(' world'), ended('succeeded')));
  const { code, out } = await polydev(['run', 'claude', 'Say', 'hello', '--model', 'opus']);
  assert.equal(out, 'Hello world\n');
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(bodies['POST /api/runs'] ?? ''), {
    provider: 'claude_code',
    prompt: 'Say hello',
    model: 'opus',
  });
});

test('run reads the prompt from stdin', { timeout }, async (t) => {
  const { polydev, bodies } = await start(t, runRoutes(text('ok\n'), ended('succeeded')));
  const { out } = await polydev(['run', 'codex', '-'], 'many\nlines');
  assert.equal(out, 'ok\n');
  assert.equal(JSON.parse(bodies['POST /api/runs'] ?? '').prompt, 'many\nlines');
});

test('run --json prints every event as one line', { timeout }, async (t) => {
  const { polydev } = await start(t, runRoutes(text('a'), ended('succeeded')));
  const { out } = await polydev(['run', 'claude', 'x', '--json']);
  const lines = out.trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).seq),
    [1, 2],
  );
});

test('run takes the account that is named', { timeout }, async (t) => {
  const accounts = [
    { id: 'crd_1', provider: 'claude_code', label: 'default', account: { email: 'a@b.c' } },
    { id: 'crd_2', provider: 'claude_code', label: 'work', account: {} },
  ];
  const { polydev, bodies } = await start(t, {
    ...runRoutes(ended('succeeded')),
    'GET /api/credentials': json({ items: accounts }),
  });
  await polydev(['run', 'claude', 'x', '--account', 'work']);
  assert.equal(JSON.parse(bodies['POST /api/runs'] ?? '').credentialId, 'crd_2');
  const { err } = await polydev(['run', 'claude', 'x', '--account', 'other']);
  assert.match(err, /No account `other`.*\n {2}One of a@b\.c, work\./);
});

test('a failed run says why, what to do, and exits with 1', { timeout }, async (t) => {
  const { polydev } = await start(t, runRoutes(text('part'), ended('failed', reason)));
  const { code, out, err } = await polydev(['run', 'claude', 'x']);
  assert.equal(code, 1);
  assert.equal(out, 'part\n');
  assert.match(err, /✗ The limit is reached\.\n {2}Wait until it resets\./);
});

test('connections shows each tool with its state', { timeout }, async (t) => {
  const credential = {
    provider: 'claude_code',
    status: 'active',
    kind: 'files',
    account: { email: 'a@b.c' },
    label: 'default',
    updatedAtMs: Date.now() - 3 * 86_400_000,
  };
  const other = { ...credential, label: 'work' };
  const { polydev } = await start(t, {
    'GET /api/providers': json(providers),
    'GET /api/credentials': json({ items: [credential, other] }),
  });
  const { out } = await polydev(['connections']);
  assert.match(out, /● {2}claude_code +connected as a@b\.c, 3 d ago\n/);
  assert.match(out, /● {2}claude_code +connected as a@b\.c \(work\), 3 d ago\n○ {2}openai_codex +not connected\n/);
});

test('an API key goes from stdin to the API and is not shown', { timeout }, async (t) => {
  const { polydev, bodies } = await start(t, {
    'GET /api/providers': json(providers),
    'POST /api/credentials': json({ id: 'crd_1' }, 201),
  });
  const { code, out, err } = await polydev(['connect', 'codex', '--api-key-stdin'], 'sk-planted-key\n');
  assert.equal(code, 0, err);
  assert.deepEqual(JSON.parse(bodies['POST /api/credentials'] ?? ''), {
    provider: 'openai_codex',
    apiKey: 'sk-planted-key',
  });
  assert.doesNotMatch(out + err, /planted/);
});

test('login proves the token, then keeps it where only its owner reads', { timeout }, async (t) => {
  const { polydev, url, home, withoutSettings } = await start(t, {
    'GET /api/me': json({ name: 'Ada' }),
    'GET /api/runs?limit=20': json({ items: [] }),
  });
  const refused = await polydev(['login', '--url', url, '--token-stdin'], 'wrong\n', withoutSettings);
  assert.equal(refused.code, 1);
  assert.match(refused.err, /Not signed in\. \(req_9\)/);

  const { code } = await polydev(['login', '--url', url, '--token-stdin'], 'pdv_test\n', withoutSettings);
  assert.equal(code, 0);
  const path = join(home, '.config/polydev/config.json');
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.deepEqual(JSON.parse(await readFile(path, 'utf8')), { url, token: 'pdv_test' });

  const { out } = await polydev(['runs'], '', withoutSettings);
  assert.match(out, /No runs yet/);
});

const logs = {
  ...{ id: 'sbx_1', owner: 'ses_1', profile: 'desktop', provider: 'claude_code', image: null },
  ...{
    createdAtMs: 1,
    endedAtMs: Date.now(),
    reason,
    console: 'it broke\n',
    journal: 'x.service failed',
    picture: true,
  },
  timeline: [
    { atMs: 0, of: 'sandbox', state: 'booting' },
    { atMs: 1500, of: 'session', event: { type: 'opened', page: 'https://example.org/' } },
    { atMs: 2500, of: 'session', event: ended('failed', reason) },
  ],
};

test('sandbox logs tells why it ended, when what happened, and what its console said', { timeout }, async (t) => {
  const { polydev } = await start(t, { 'GET /api/sandboxes/ses_1/logs': json(logs) });
  const { code, out } = await polydev(['sandbox', 'logs', 'ses_1']);
  assert.equal(code, 0);
  assert.match(
    out,
    /^sbx_1 {2}desktop of claude_code for ses_1\nended (just now|\d+ min ago)\n✗ The limit is reached\.\n/,
  );
  assert.match(out, /1970-01-01 00:00:00\.000 {2}sandbox booting\n/);
  assert.match(out, /00:01\.500 {2}sign-in opened https:\/\/example\.org\/\n.*02\.500 {2}sign-in failed: The limit/);
  assert.match(out, /\nit broke\n\nAlso: --journal, --screenshot FILE\n$/);
  assert.equal((await polydev(['sandbox', 'logs', 'ses_1', '--journal'])).out, 'x.service failed\n');
  assert.deepEqual(JSON.parse((await polydev(['sandbox', 'logs', 'ses_1', '--json'])).out), logs);
});

test('sandbox logs --screenshot writes the picture for its user alone', { timeout }, async (t) => {
  const { polydev, home } = await start(t, {
    'GET /api/sandboxes/sbx_1/screenshot': (response) => response.end(Buffer.from([0x89, 0x50, 0xff])),
  });
  const file = join(home, 'last.png');
  const { code, out } = await polydev(['sandbox', 'logs', 'sbx_1', '--screenshot', file]);
  assert.deepEqual([code, out], [0, `✓ ${file}\n`]);
  assert.deepEqual([...(await readFile(file))], [0x89, 0x50, 0xff]);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
});

test('sandbox list shows what there is, and without a word it asks for one', { timeout }, async (t) => {
  const item = { id: 'sbx_1', profile: 'headless', state: 'claimed', owner: 'run_1', createdAtMs: Date.now() };
  let items = [item];
  const { polydev } = await start(t, { 'GET /api/sandboxes': (response) => json({ items })(response) });
  assert.equal((await polydev(['sandbox', 'list'])).out, 'sbx_1  headless  claimed  run_1  just now\n');
  items = [];
  assert.match((await polydev(['sandbox', 'list'])).out, /^No sandboxes now\./);
  for (const words of [['sandbox'], ['sandbox', 'fly'], ['sandbox', 'logs']]) {
    const { code, err } = await polydev(words);
    assert.equal(code, 2);
    assert.match(err, /\?\n {2}/);
  }
});

test('without a token, with a wrong command or a wrong option, it says what to do', { timeout }, async (t) => {
  const { polydev, withoutSettings } = await start(t, {});
  const noToken = await polydev(['runs'], '', withoutSettings);
  assert.match(noToken.err, /No API token\.\n {2}Create one in the dashboard/);
  const unknown = await polydev(['fly']);
  assert.match(unknown.err, /no command `fly`/);
  assert.equal(unknown.code, 2);
  const option = await polydev(['runs', '--fast']);
  assert.match(option.err, /Unknown option '--fast'/);
  assert.equal(option.code, 2);
});
