import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '@polydev/protocol';
import { redactShapes } from '../secret-shapes.ts';

const secrets: Record<string, string> = {
  'an Anthropic API key': 'sk-ant-api03-AbCdEf_0123456789-xyz',
  'a long-lived token of Claude Code': 'sk-ant-oat01-AbCdEf_0123456789-xyz',
  'an OpenAI API key': 'sk-proj-AbCdEf0123456789',
  'a Google API key': 'AIzaSyA0123456789abcdefghijklmnopqrstu',
  'a Google access token': 'ya29.a0AbCdEf-0123456789_xyz',
  'a Google refresh token': '1//0gAbCdEf0123456789-xyz_abc',
  'a JWT': 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U',
  'a token of Polydev': 'pd_AbCdEf0123456789AbCdEf0123456789AbCdEf01234',
  'a token of GitHub': 'ghp_AbCdEf0123456789AbCdEf0123456789',
};

for (const [what, secret] of Object.entries(secrets)) {
  test(`${what} is taken out wherever it stands`, () => {
    for (const frame of ['%', 'key=%', '"%"', 'line\n%\nline', '(%)', 'https://a.b/?x=%&y=1', '%,%']) {
      const shown = redactShapes(frame.replaceAll('%', secret));
      assert.ok(!shown.includes(secret), frame);
      assert.ok(!shown.includes(secret.slice(-10)), `${frame}: ${shown}`);
      assert.match(shown, /\[secret\]/);
    }
  });
}

test('what has a telling name is taken out, whatever its shape', () => {
  const value = 'Zm9vYmFyYmF6cXV4';
  for (const line of [
    `Authorization: Bearer ${value}${value}`,
    `http://localhost:1455/auth/callback?code=${value}&state=${value}`,
    `"refresh_token": "${value}"`,
    `accessToken=${value}`,
    `ANTHROPIC_API_KEY=${value}`,
    `password: ${value}`,
  ]) {
    assert.ok(!redactShapes(line).includes(value), redactShapes(line));
  }
});

test('a private key is taken out, also one that does not end', () => {
  const body = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC';
  const key = `-----BEGIN RSA PRIVATE KEY-----\n${body}\n-----END RSA PRIVATE KEY-----`;
  assert.equal(redactShapes(`a\n${key}\nb`), 'a\n[secret]\nb');
  assert.equal(redactShapes(`a\n${key.slice(0, 50)}`), 'a\n[secret]');
});

test('what a machine says while it boots stays as it is', () => {
  const boot = [
    '[  OK  ] Reached target polydev-desktop.target - Polydev desktop.',
    'polydev-agent ready',
    'systemd[1]: Started polydev-agent.service - token of the agent is read from /etc/polydev/boot.json.',
    'Xtigervnc[231]: Listening on /run/polydev-x/rfb.sock',
    'claude: exit 1 (authentication_failed)',
  ].join('\n');
  assert.equal(redactShapes(boot), boot);
});

test('a text made to be slow is not', { timeout: 20_000 }, () => {
  for (const piece of [
    'a',
    'eyJ',
    'sk-',
    'token',
    'token=',
    '?code=',
    'Bearer ',
    '-----BEGIN PRIVATE KEY-----',
    'eyJaaaaaaaa.',
    '1//',
  ]) {
    const text = piece.repeat(Math.ceil(limits.consoleTailBytes / piece.length));
    const startedAt = process.cpuUsage();
    redactShapes(text);
    assert.ok(process.cpuUsage(startedAt).user < 2_000_000, piece);
  }
});
