import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { AgentEvent, CollectedCredential, type CredentialBundle, ExecEvent } from '@polydev/protocol';
import { claudeBlanked, claudeTokens } from './credentials.ts';
import { ownExec, startScratchAgent } from './scratch-agent.ts';

const file = '.claude/.credentials.json';
const bundleOf = (content: string, path = file): CredentialBundle => ({
  kind: 'files',
  provider: 'claude_code',
  files: [{ path, content }],
});

async function headless(t: TestContext) {
  const agent = await startScratchAgent(t, { profile: 'headless' });
  const boxes = await agent.claim();
  return {
    ...agent,
    ...boxes,
    restore: (bundle: CredentialBundle) => agent.call('POST', '/credential/restore', { sealed: boxes.seal(bundle) }),
    collect: () => agent.ask(CollectedCredential, 'POST', '/credential/collect'),
  };
}

suite('a credential', { timeout: 120_000 }, () => {
  test('is restored into files that only their owner reads', async (t) => {
    const { home, restore } = await headless(t);
    assert.equal((await restore(bundleOf(claudeTokens('one')))).status, 204);
    assert.equal(readFileSync(join(home, file), 'utf8'), claudeTokens('one'));
    assert.equal(statSync(join(home, file)).mode & 0o777, 0o600);
    assert.equal(statSync(join(home, '.claude')).mode & 0o777, 0o700);
  });

  test('is collected with whether it has changed since, also when the answer was lost', async (t) => {
    const { home, restore, collect, open } = await headless(t);
    assert.deepEqual(await collect(), { status: 'absent', changed: false });
    await restore(bundleOf(claudeTokens('one')));
    const same = await collect();
    assert.deepEqual([same.status, same.changed], ['valid', false]);

    writeFileSync(join(home, file), claudeTokens('two'));
    for (const collected of [await collect(), await collect()]) {
      assert.deepEqual([collected.status, collected.changed], ['valid', true]);
      assert.deepEqual(collected.account, { plan: 'max' });
      assert.ok(collected.sealed);
      assert.deepEqual(open(collected.sealed), bundleOf(claudeTokens('two')));
    }
  });

  test('that the tool renews is told of once for each time, and can still be collected', async (t) => {
    const { home, restore, collect, stream } = await headless(t);
    await restore(bundleOf(claudeTokens('one')));
    const events = stream(AgentEvent, '/events');
    for (const word of ['two', 'three']) {
      writeFileSync(join(home, file), claudeBlanked);
      writeFileSync(join(home, file), claudeTokens(word));
      assert.equal((await events.next()).value?.type, 'renewed');
      writeFileSync(join(home, file), claudeTokens(word));
      assert.equal((await collect()).changed, true);
    }
    await events.return(undefined);
  });

  test('that was blanked, broken or removed is reported, never sealed', async (t) => {
    const { home, restore, collect } = await headless(t);
    await restore(bundleOf(claudeTokens('one')));
    writeFileSync(join(home, file), claudeBlanked);
    assert.deepEqual(await collect(), { status: 'blanked', changed: true });
    writeFileSync(join(home, file), '{"claudeAiOauth":{');
    assert.deepEqual(await collect(), { status: 'incomplete', changed: true });
    rmSync(join(home, file));
    assert.deepEqual(await collect(), { status: 'absent', changed: true });
  });

  test('that is an API key stays in memory and reaches only the processes', async (t) => {
    const agent = await headless(t);
    await agent.restore({ kind: 'api_key', provider: 'claude_code', apiKey: 'sk-ant-made-up' });
    assert.equal(existsSync(join(agent.home, file)), false);
    assert.deepEqual(await agent.collect(), { status: 'valid', changed: false });
    const id = ownExec('x');
    const exec = { id, argv: ['printenv', 'ANTHROPIC_API_KEY'], env: {}, files: [], stdin: '', deadlineMs: 30_000 };
    await agent.call('POST', '/exec', exec);
    const lines: string[] = [];
    for await (const event of agent.stream(ExecEvent, `/exec/${id}/events`))
      if ('line' in event) lines.push(event.line);
    assert.deepEqual(lines, ['sk-ant-made-up']);
  });

  test('of another tool, of no tool, sealed to others or leading elsewhere is refused and shows nothing of itself', async (t) => {
    const agent = await headless(t);
    const other = await headless(t);
    const answers = [
      await agent.restore({ kind: 'api_key', provider: 'openai_codex', apiKey: 'sk-made-up' }),
      await agent.restore(bundleOf('planted', '../outside')),
      await agent.restore(bundleOf('planted', '.bashrc')),
      await agent.restore('planted' as unknown as CredentialBundle),
      await agent.call('POST', '/credential/restore', { sealed: other.seal(bundleOf('planted')) }),
    ];
    for (const answer of answers) {
      assert.equal(answer.status, 400);
      assert.doesNotMatch(await answer.text(), /planted|made-up/);
    }
    assert.equal(existsSync(join(agent.folder, 'outside')), false);
    assert.deepEqual(agent.logged, []);
  });
});
