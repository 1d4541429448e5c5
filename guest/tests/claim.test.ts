import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { providers } from '@polydev/providers';
import { createKeyPair } from '@polydev/vault/box';
import { startScratchAgent } from './scratch-agent.ts';

function certificate(): string {
  const subject = ['-subj', '/CN=a test', '-keyout', '/dev/null', '-nodes', '-days', '1'];
  const options = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', ...subject];
  return execFileSync('openssl', options, { stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' });
}

suite('a claim', { timeout: 120_000 }, () => {
  test('happens once', async (t) => {
    const agent = await startScratchAgent(t);
    await agent.claim();
    await assert.rejects(agent.claim(), /^Error: 409 .*already_done/);
  });

  test('comes after the preparation, which also happens once', async (t) => {
    const agent = await startScratchAgent(t);
    const early = await agent.call('POST', '/claim', {
      provider: 'claude_code',
      controllerPublicKey: createKeyPair().publicKey,
      capture: false,
    });
    assert.equal(early.status, 503);
    await agent.prepare();
    const again = await agent.call('POST', '/prepare', { egress: { host: '127.0.0.1', port: 9 } });
    assert.equal(again.status, 409);
    await agent.claim();
  });

  test('makes programs trust the extra CA beside the roots, which stand there from the start', async (t) => {
    const agent = await startScratchAgent(t);
    const bundle = join(agent.config.runFolder, 'ca.pem');
    assert.equal(readFileSync(bundle, 'utf8'), 'the roots of the system\n');
    const extraCa = certificate();
    await agent.claim({ extraCa });
    assert.equal(readFileSync(bundle, 'utf8'), `the roots of the system\n${extraCa}`);
    assert.equal(readFileSync(join(agent.config.runFolder, 'extra-ca.crt'), 'utf8'), extraCa);
    assert.equal(statSync(bundle).mode & 0o777, 0o644);
  });

  test('with a broken CA or key changes nothing and may be made again', async (t) => {
    const agent = await startScratchAgent(t);
    await assert.rejects(agent.claim({ extraCa: 'nonsense' }), /^Error: 400/);
    await assert.rejects(agent.claim({ controllerPublicKey: '!'.repeat(43) }), /^Error: 400/);
    assert.equal(existsSync(join(agent.config.runFolder, 'extra-ca.crt')), false);
    await agent.claim();
  });

  test('greets with the tool and its command, in a desktop only', async (t) => {
    for (const provider of ['claude_code', 'openai_codex', 'google_gemini'] as const) {
      const { name, loginCommand } = providers[provider].info;
      const agent = await startScratchAgent(t);
      await agent.claim({ provider, capture: true });
      assert.equal(
        readFileSync(join(agent.config.runFolder, 'greeting'), 'utf8'),
        `Sign in · ${name}\nSign in to ${name}\nType:  ${loginCommand}\n`,
      );
    }
    const headless = await startScratchAgent(t, { profile: 'headless' });
    await headless.claim({ capture: false });
    assert.equal(existsSync(join(headless.config.runFolder, 'greeting')), false);
  });

  test("puts the tool's settings into the home of a desktop, for its owner only", async (t) => {
    for (const [provider, { desktopFiles, watchedFolders }] of Object.entries(providers)) {
      const agent = await startScratchAgent(t);
      await agent.claim({ provider: provider as keyof typeof providers, capture: true });
      for (const { path, content } of desktopFiles) {
        assert.equal(readFileSync(join(agent.home, path), 'utf8'), content);
        assert.equal(statSync(join(agent.home, path)).mode & 0o777, 0o600);
      }
      for (const folder of watchedFolders)
        if (folder !== '') assert.equal(statSync(join(agent.home, folder)).mode & 0o777, 0o700);
    }
  });

  test('sets a time zone that exists', async (t) => {
    const known = await startScratchAgent(t);
    await known.claim({ timeZone: 'Europe/Zurich' });
    assert.equal(readlinkSync(known.config.localTime), '/usr/share/zoneinfo/Europe/Zurich');
    for (const timeZone of ['Mars/Olympus', '../../etc/passwd', '/etc/passwd', '']) {
      const unknown = await startScratchAgent(t);
      await unknown.claim({ timeZone });
      assert.equal(existsSync(unknown.config.localTime), false, timeZone);
    }
  });
});
