import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ExecRequest, limits, ProviderInfo, providerIds } from '@polydev/protocol';
import { Value } from 'typebox/value';
import { providerOf, providers } from '../index.ts';

suite('what is known of a provider', { timeout: 30_000 }, () => {
  test('every id of the protocol has one, under its own name', () => {
    assert.deepEqual(Object.keys(providers), [...providerIds]);
    for (const id of providerIds) {
      assert.equal(providerOf(id).id, id);
      assert.equal(providerOf(id).info.id, id);
      assert.ok(Value.Check(ProviderInfo, providerOf(id).info));
    }
  });

  test('every credential file lies in a watched folder', () => {
    for (const { credentialFiles, watchedFolders } of Object.values(providers))
      for (const path of credentialFiles)
        assert.ok(watchedFolders.includes(path.slice(0, Math.max(0, path.lastIndexOf('/')))), path);
  });

  test('a run command fits an exec request, and asks for JSON lines with the prompt on stdin', () => {
    for (const provider of Object.values(providers))
      for (const kind of ['files', 'api_key'] as const) {
        const command = provider.run({ kind, model: 'some-model' });
        const request = { id: 'run_x', ...command, stdin: 'a prompt', deadlineMs: limits.runDefaultMs };
        assert.ok(Value.Check(ExecRequest, request));
        assert.ok(command.argv.some((word) => word === '--json' || word === 'stream-json'));
        assert.equal(command.argv[command.argv.indexOf('--model') + 1], 'some-model');
        assert.ok(!provider.run({ kind }).argv.includes('--model'));
      }
  });

  test('the tools of a tool are off', () => {
    const argv = (id: (typeof providerIds)[number]) => providerOf(id).run({ kind: 'files' }).argv.join('\u0000');
    assert.match(argv('claude_code'), /--tools\0\0--permission-mode\0dontAsk/);
    assert.match(argv('openai_codex'), /-s\0read-only\0--disable\0shell_tool/);
    const [settings] = providerOf('google_gemini').run({ kind: 'files' }).files;
    assert.deepEqual(JSON.parse(settings?.content ?? '').tools, { core: [] });
  });

  test('Gemini is told which way in was taken', () => {
    const told = (kind: 'files' | 'api_key') => {
      const { env, files } = providerOf('google_gemini').run({ kind });
      return [env.GOOGLE_GENAI_USE_GCA, JSON.parse(files[0]?.content ?? '').security.auth.selectedType];
    };
    assert.deepEqual(told('files'), ['true', 'oauth-personal']);
    assert.deepEqual(told('api_key'), [undefined, 'gemini-api-key']);
  });

  test('what is put into a sign-in desktop is no credential', () => {
    for (const { desktopFiles, readCredential } of Object.values(providers)) {
      const files = Object.fromEntries(desktopFiles.map(({ path, content }) => [path, content]));
      assert.deepEqual(readCredential(files), { status: 'absent' });
    }
  });
});
