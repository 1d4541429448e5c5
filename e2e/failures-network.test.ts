/** Every way the network between a sandbox and a provider fails, for each tool. The credential stays: it was not what was refused. */

import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { type Doubles, startDoubles } from '@polydev/doubles';
import { type ErrorCode, type ProviderId, providerIds } from '@polydev/protocol';
import { assertReason, openStage, type Stage } from './stage.ts';
import { openSwitchboard, type Switchboard } from './switchboard.ts';

const isRoot = process.getuid?.() === 0;
const yearMs = 365 * 86_400_000;
/** Codex tries for three quarters of a minute, whatever the trouble. */
const patienceMs = 300_000;
/** Where each tool asks its model. */
const hosts = {
  claude_code: String.raw`\S+\.anthropic\.com`,
  openai_codex: String.raw`(\S+\.)?(openai|chatgpt)\.com`,
  google_gemini: String.raw`\S+\.googleapis\.com`,
};
const prompt = 'Please say exactly quince';

async function fails(stage: Stage, provider: ProviderId, message?: RegExp, code: ErrorCode = 'provider_unreachable') {
  const run = await stage.run({ provider, prompt, deadlineMs: patienceMs });
  assert.equal(run.state, 'failed', provider);
  assertReason(run, code, message);
  const all = await stage.polydev.credentials.list();
  assert.equal(all.find((credential) => credential.provider === provider)?.status, 'active');
}

suite('the network fails', { skip: !isRoot && 'needs root', timeout: 30 * 60_000 }, () => {
  let board: Switchboard;
  let stranger: Doubles;
  let early: Doubles;
  let stage: Stage;

  before(async () => {
    board = await openSwitchboard(null);
    stranger = await startDoubles();
    early = await startDoubles({ certificatesAtMs: Date.now() + yearMs });
    const routes = Object.fromEntries(stranger.hosts.map((host) => [host, `127.0.0.1:${board.port}`]));
    stage = await openStage({ config: { signIn: { verify: 'off' }, egress: { routes } }, moreCaPem: early.caPem });
    for (const provider of providerIds) await stage.addKey(provider);
  });
  after(async () => {
    await stage?.strike();
    await Promise.all([stranger?.close(), early?.close(), board?.close()]);
  });

  async function toEach(messages: Partial<Record<ProviderId, RegExp>>): Promise<void> {
    await Promise.all(providerIds.map((provider) => fails(stage, provider, messages[provider])));
  }

  test('nobody answers', () => toEach({ claude_code: /ECONNRESET|Connection/ }));

  test('a certificate of an authority that nobody trusts', async () => {
    board.turn(stranger.port);
    await toEach({ claude_code: /certificate/ });
  });

  test('a certificate that is not valid yet, as to a clock that is a year behind', async () => {
    board.turn(early.port);
    await toEach({ claude_code: /certificate/ });
  });

  test('once the network is good again, so is the next run', async () => {
    board.turn(stage.doubles.port);
    const runs = await Promise.all(providerIds.map((provider) => stage.run({ provider, prompt })));
    for (const { answer, reason } of runs) assert.equal(answer.trim(), 'quince', JSON.stringify(reason));
  });
});

suite('the way out is closed', { skip: !isRoot && 'needs root', timeout: 30 * 60_000 }, () => {
  let stage: Stage;
  before(async () => {
    // The one port that may be reached is not the providers'.
    const egress = { routes: {}, allowedPorts: [80] };
    stage = await openStage({ config: { signIn: { verify: 'off' }, egress } });
    for (const provider of providerIds) await stage.addKey(provider);
  });
  after(() => stage?.strike());

  /** How often the gateway has refused a port. */
  async function refusals(): Promise<number> {
    const headers = { authorization: `Bearer ${stage.token}` };
    const text = await (await fetch(`${stage.product.url}/metrics`, { headers })).text();
    return Number(/^polydev_egress_refusals_total\{reason="port"\} (\d+)$/m.exec(text)?.[1] ?? 0);
  }

  test('egress refused: the gateway says no, the run says what was refused', async () => {
    const before = await refusals();
    const refused = (provider: ProviderId) =>
      new RegExp(`^Port 443 of ${hosts[provider]} is not open to sandboxes\\.$`);
    await Promise.all(providerIds.map((provider) => fails(stage, provider, refused(provider), 'egress_refused')));
    assert.ok((await refusals()) >= before + providerIds.length);
  });
});
