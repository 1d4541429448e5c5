import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CredentialBundle } from '@polydev/protocol';
import { createRedact } from '../redact.ts';
import { Secret } from '../secret.ts';

const apiKey = 'sk-ant-api03-Zm/9+a?b~pear-quince-medlar';
const redact = createRedact(new Secret<CredentialBundle>({ kind: 'api_key', provider: 'claude_code', apiKey }));
/** So long that no piece of it is there by chance. */
const pieceChars = 12;

for (const before of ['', 'a', 'ab', 'abc', 'user:']) {
  for (const encoding of ['base64', 'base64url'] as const) {
    test(`in ${encoding}, after "${before}"`, () => {
      const written = Buffer.from(`${before}${apiKey}@host`).toString(encoding);
      const shown = redact(`It is ${written}.`);
      assert.match(shown, /\[secret\]/);
      // What is left of it at either end opens nothing.
      for (const rest of shown.split('[secret]')) {
        const opened = Buffer.from(rest.replace(/^It is |\.$/g, ''), encoding).toString();
        for (let at = 0; at + pieceChars <= apiKey.length; at += 1)
          assert.ok(!opened.includes(apiKey.slice(at, at + pieceChars)), opened);
      }
    });
  }
}

test('as it is, and as it stands in an address', () => {
  assert.equal(redact(`key=${apiKey}`), 'key=[secret]');
  assert.equal(redact(`?key=${encodeURIComponent(apiKey)}&x`), '?key=[secret]&x');
});

test('secrets of files: each in all ways, and nothing else', () => {
  const refresh_token = 'rt-0123456789-abcdefghij';
  const content = JSON.stringify({ tokens: { refresh_token, id: 'short' }, email: 'person@example.com' });
  const files = [{ path: '.codex/auth.json', content }];
  const hide = createRedact(new Secret<CredentialBundle>({ kind: 'files', provider: 'openai_codex', files }));
  assert.equal(
    hide(`${refresh_token} ${btoa(refresh_token)} person@example.com`),
    '[secret] [secret] person@example.com',
  );
});
