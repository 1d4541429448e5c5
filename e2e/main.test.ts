/** The main job, whole: a newcomer sets Polydev up, connects the tools, and gets answers; nothing is left behind. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ProviderId } from '@polydev/protocol';
import { fillInOwner, logIn, openDashboard } from './dashboard.ts';
import { findLeftovers, findSecretsOnDisk } from './leftovers.ts';
import { owner } from './owner.ts';
import { startAgain } from './product.ts';
import { type BrowserLogin, connectByApiKey, disconnect, runPrompt, signInByBrowser, startPrompt } from './sign-in.ts';
import { createSteps } from './step.ts';
import { openWorld } from './world.ts';

const isRoot = process.getuid?.() === 0;
const providers: readonly ProviderId[] = ['claude_code', 'openai_codex', 'google_gemini'];
const browserLogins: readonly BrowserLogin[] = [
  { provider: 'claude_code', command: 'claude auth login', consentPath: '/cai/oauth/authorize' },
  { provider: 'openai_codex', command: 'codex login', consentPath: '/oauth/authorize' },
];

test('sign in, capture, prove, seal, run', { skip: !isRoot && 'needs root', timeout: 30 * 60_000 }, async (t) => {
  const world = await openWorld({ privateCheckout: true, config: { pool: {} } });
  const { product, doubles } = world;
  const dashboard = await openDashboard();
  const { page } = dashboard;
  t.after(async () => {
    await dashboard.close();
    await world.close();
    product.remove();
  });

  const wasAsked = (provider: ProviderId, via: 'oauth' | 'api_key', word: string) =>
    doubles.state.prompts.some((seen) => seen.provider === provider && seen.via === via && seen.prompt.includes(word));

  const step = createSteps(t, () => dashboard.shot('failure'));

  await step('the process that listens is not root, though only root can read the checkout', () => {
    const port = Number(new URL(product.url).port);
    assert.notEqual(uidOfListener(port), 0);
  });

  await step('set-up asks for name and password and lands on Connections', async () => {
    await page.goto(product.setupUrl);
    await fillInOwner(page);
    await dashboard.shot('set-up');
    await page.getByRole('button', { name: 'Create account' }).click();
    await page.waitForURL(/\/dashboard\/remote-cli$/);
    for (const provider of providers) await page.getByTestId(`card-${provider}`).waitFor();
    await dashboard.shot('connections-empty');
  });

  for (const login of browserLogins) {
    await step(`${login.provider}: browser login in the desktop`, () => signInByBrowser(world, dashboard, login));
    await step(`${login.provider}: a prompt is answered with the account`, async () => {
      const word = `quince-${login.command.slice(0, 5)}`;
      await runPrompt(world, page, login.provider, word);
      assert.ok(wasAsked(login.provider, 'oauth', word));
    });
  }

  await step('while a run holds a credential, no disk does', async () => {
    doubles.state.behaviour.claude_code.model = 'slow';
    await startPrompt(
      world,
      page,
      'claude_code',
      'Please say exactly one two three four five six seven eight nine ten',
    );
    await page.getByTestId('answer').last().getByText('one').waitFor();
    assert.deepEqual(await findSecretsOnDisk(join(product.scratch, 'config.json'), doubles.state.secrets()), []);
    doubles.state.behaviour.claude_code.model = 'ok';
    await page.locator('[data-testid=answer][aria-busy=false]').last().waitFor();
  });

  await page.goto(`${product.url}/dashboard/remote-cli`);
  await page.locator('[data-testid=card-openai_codex][data-state=connected]').waitFor();
  await dashboard.shot('connections-signed-in');
  for (const { provider } of browserLogins) {
    await step(`${provider}: disconnecting forgets the account`, () => disconnect(world, page, provider));
  }

  for (const provider of providers) {
    await step(`${provider}: API key, and a prompt answered with it`, async () => {
      const word = `pear-${provider.slice(0, 4)}`;
      await connectByApiKey(world, page, provider);
      await runPrompt(world, page, provider, word);
      await dashboard.shot(`${provider}-run`);
      assert.ok(wasAsked(provider, 'api_key', word));
    });
  }

  await step('no credential was ever revoked', () => assert.deepEqual([...doubles.state.tokens.revoked], []));

  await step('no page broke the content security policy', () => assert.deepEqual(dashboard.complaints, []));

  await step('a second start asks for no set-up and shows the same connections', async () => {
    assert.equal(await product.stop(), 0);
    const again = await startAgain(product.scratch);
    t.after(() => again.stop());
    assert.equal(again.setupUrl, '');
    await logIn(page, again.url);
    for (const provider of providers)
      await page.getByTestId(`card-${provider}`).getByText('Connected').first().waitFor();
    assert.equal(await again.stop(), 0);
  });

  await step('no process, mount, link, cgroup or secret is left', async () => {
    assert.deepEqual(await findLeftovers(product.paths), []);
    const secrets = [...doubles.state.secrets(), owner.password];
    assert.ok(secrets.length > 10);
    assert.deepEqual(await findSecretsOnDisk(join(product.scratch, 'config.json'), secrets), []);
  });
});

/** From /proc/net/tcp: who holds the listening socket. */
function uidOfListener(port: number): number {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1)) {
    const [, local = '', , state, , , , uid] = line.trim().split(/\s+/);
    if (local.endsWith(`:${wanted}`) && state === '0A') return Number(uid);
  }
  throw new Error(`Nobody listens on ${port}.`);
}
