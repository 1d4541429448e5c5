/** Every way the network between a sandbox and a provider fails. The credential stays: it was not what was refused. */

import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { type Doubles, startDoubles } from '@polydev/doubles';
import type { ErrorCode, ProviderId } from '@polydev/protocol';
import { assertReason, openStage, type Stage } from './stage.ts';
import { openSwitchboard, type Switchboard } from './switchboard.ts';

const isRoot = process.getuid?.() === 0;
const yearMs = 365 * 86_400_000;
const routed: readonly ProviderId[] = ['claude_code', 'openai_codex'];
/** Its hosts have no route, and the one port that may be reached is not theirs. */
const unrouted = 'google_gemini';

suite('the network fails', { skip: !isRoot && 'needs root', timeout: 10 * 60_000 }, () => {
  let board: Switchboard;
  let stranger: Doubles;
  let early: Doubles;
  let stage: Stage;

  before(async () => {
    board = await openSwitchboard(null);
    stranger = await startDoubles();
    early = await startDoubles({ certificatesAtMs: Date.now() + yearMs });
    const throughBoard = stranger.hosts
      .filter((host) => !host.endsWith('googleapis.com') && !host.endsWith('google.com'))
      .map((host) => [host, `127.0.0.1:${board.port}`]);
    stage = await openStage({
      config: {
        signIn: { verify: 'off' },
        egress: { routes: Object.fromEntries(throughBoard), allowedPorts: [80] },
      },
      moreCaPem: early.caPem,
    });
    for (const provider of [...routed, unrouted] as const) await stage.addKey(provider);
  });
  after(async () => {
    await stage.strike();
    await Promise.all([stranger.close(), early.close(), board.close()]);
  });

  /** Codex tries for three quarters of a minute, whatever the trouble. */
  async function fails(
    provider: ProviderId,
    message?: RegExp,
    code: ErrorCode = 'provider_unreachable',
  ): Promise<void> {
    const run = await stage.run({ provider, prompt: 'Please say exactly quince', deadlineMs: 90_000 });
    assert.equal(run.state, 'failed', provider);
    assertReason(run, code, message);
    const all = await stage.polydev.credentials.list();
    assert.equal(all.find((credential) => credential.provider === provider)?.status, 'active');
  }

  async function works(provider: ProviderId): Promise<void> {
    board.turn(stage.doubles.port);
    const run = await stage.run({ provider, prompt: 'Please say exactly quince' });
    assert.equal(run.answer.trim(), 'quince', JSON.stringify(run.reason));
  }

  /** How often the gateway has refused a port. */
  async function refusals(): Promise<number> {
    const headers = { authorization: `Bearer ${stage.token}` };
    const text = await (await fetch(`${stage.product.url}/metrics`, { headers })).text();
    return Number(/^polydev_egress_refusals_total\{reason="port"\} (\d+)$/m.exec(text)?.[1] ?? 0);
  }

  test('egress refused: the gateway says no, the run says what was refused', async () => {
    const before = await refusals();
    await fails(unrouted, /^Port 443 of \S+\.googleapis\.com is not open to sandboxes\.$/, 'egress_refused');
    assert.ok((await refusals()) > before);
  });

  test('nobody answers', () => fails('claude_code', /ECONNRESET|Connection/));

  test('a certificate of an authority that nobody trusts, to Claude Code and to Codex', async () => {
    board.turn(stranger.port);
    await Promise.all([fails('claude_code', /certificate/), fails('openai_codex')]);
  });

  test('a certificate that is not valid yet, as to a clock that is a year behind', async () => {
    board.turn(early.port);
    await fails('claude_code', /certificate/);
  });

  test('once the network is good again, so is the next run', async () => {
    await Promise.all(routed.map(works));
  });
});
