import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { commandOf, eventsOf, piecesIn, readStored, runTool, type ToolCommand, textAt } from './tool-commands.ts';
import { type Setting, testWithTools } from './with-tools.ts';

const claude = commandOf('claude');
const codex = commandOf('codex');
const gemini = commandOf('gemini');

async function assertSignedIn({ bench, doubles }: Setting, command: ToolCommand): Promise<void> {
  const stored = await readStored(bench, command.credentialFile);
  assert.ok(doubles.state.tokens.all().includes(command.refreshTokenIn(stored)));
  const outcome = await runTool(bench, command, 'Say exactly signed in', command.accountEnv);
  assert.equal(piecesIn(command, outcome).join(''), 'signed in', outcome.stdout + outcome.stderr);
}

/** Of the browser that the tool opened, which the tool does not wait for. */
async function visitOf({ home }: Setting['bench']): Promise<string> {
  for (;;) {
    const log = await readFile(join(home, 'visits.log'), 'utf8').catch(() => '');
    if (log.endsWith('\n')) return log;
    await sleep(20);
  }
}

function codeOn(page: { body: string }): string {
  return /id="code"[^>]* value="([^"]+)"/.exec(page.body)?.[1] ?? '';
}

testWithTools('claude: signs in through the browser', {}, async (setting) => {
  const { bench } = setting;
  const outcome = await bench.run('claude', ['auth', 'login']);
  assert.equal(outcome.code, 0, outcome.stdout + outcome.stderr);
  assert.match(await visitOf(bench), /^200 https:\/\/platform\.claude\.com\/oauth\/code\/success/);
  await assertSignedIn(setting, claude);
});

testWithTools('claude: signs in by pasting the code', {}, async (setting) => {
  const { bench, visitor } = setting;
  const login = bench.start('claude', ['auth', 'login'], { BROWSER: '/bin/true' });
  const [address] = await login.printed(/https:\/\/claude\.com\/cai\/\S+(?=\s)/);
  login.child.stdin?.write(`${codeOn(await visitor.decide(address, 'approve'))}\n`);
  assert.equal((await login.ended).code, 0);
  await assertSignedIn(setting, claude);
});

testWithTools('claude: a console sign-in stores an API key that works', {}, async ({ bench, doubles }) => {
  const outcome = await bench.run('claude', ['auth', 'login', '--console']);
  assert.equal(outcome.code, 0, outcome.stdout + outcome.stderr);
  const key = textAt(await readStored(bench, '.claude.json'), 'primaryApiKey');
  assert.ok(doubles.state.apiKeys.claude_code.has(key));
  const run = await runTool(bench, claude, 'Say exactly by console', {});
  assert.equal(piecesIn(claude, run).join(''), 'by console');
  assert.equal(doubles.state.prompts[0]?.via, 'api_key');
});

testWithTools('codex: signs in through the browser', {}, async (setting) => {
  const { bench } = setting;
  const outcome = await bench.run('codex', ['login']);
  assert.equal(outcome.code, 0, outcome.stdout + outcome.stderr);
  assert.match(await visitOf(bench), /^200 http:\/\/127\.0\.0\.1:14\d7?5?\/success/);
  await assertSignedIn(setting, codex);
});

testWithTools('codex: signs in with a code typed on another device', {}, async (setting) => {
  const { bench, visitor } = setting;
  const login = bench.start('codex', ['login', '--device-auth']);
  const [, user_code = ''] = await login.printed(/([A-Z]{4}-[A-Z]{5})/);
  await visitor.decide('https://auth.openai.com/codex/device', 'approve', { user_code });
  assert.equal((await login.ended).code, 0);
  await assertSignedIn(setting, codex);
});

testWithTools('codex: a key given on stdin is stored and works', {}, async ({ bench, doubles }) => {
  const [key = ''] = doubles.state.apiKeys.openai_codex;
  const login = await bench.run('codex', ['login', '--with-api-key'], key);
  assert.equal(login.code, 0, login.stderr);
  assert.equal(textAt(await readStored(bench, codex.credentialFile), 'OPENAI_API_KEY'), key);
  const run = await runTool(bench, codex, 'Say exactly by key', {});
  assert.equal(piecesIn(codex, run).join(''), 'by key');
});

testWithTools(
  'codex: a code that the issuer refuses ends the sign-in',
  { openai_codex: { token: 'denied' } },
  async ({ bench }) => {
    const outcome = await bench.run('codex', ['login']);
    assert.notEqual(outcome.code, 0);
  },
);

testWithTools('gemini: signs in to Google in a terminal', {}, async (setting) => {
  const { t, bench, visitor } = setting;
  if (spawnSync('script', ['--version']).error) return t.skip('no terminal: the program "script" is not installed');
  await mkdir(join(bench.home, '.gemini'));
  const settings = { security: { auth: { selectedType: 'oauth-personal' } }, general: { enableAutoUpdate: false } };
  await writeFile(join(bench.home, '.gemini/settings.json'), JSON.stringify(settings));
  const login = bench.startInTerminal('gemini', [], { NO_BROWSER: 'true' });
  const [address] = await login.printed(/https:\/\/accounts\.google\.com\/\S+(?=\s)/);
  login.child.stdin?.write(`${codeOn(await visitor.decide(address, 'approve'))}\r`);
  await login.printed(/Signed in with Google/);
  login.stop();
  await assertSignedIn(setting, gemini);
});

testWithTools('gemini: without a credential a run says so at once', {}, async ({ bench, doubles }) => {
  const outcome = await runTool(bench, gemini, 'Say exactly nothing', gemini.accountEnv);
  assert.equal(outcome.code, 41);
  assert.deepEqual(eventsOf(outcome), []);
  assert.deepEqual(doubles.state.prompts, []);
});
