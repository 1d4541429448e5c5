import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCommand } from '../host-command.ts';

test('a program of the build is not told the secrets of whoever started it', { timeout: 60_000 }, async (t) => {
  for (const [name, value] of [
    ['POLYDEV_MASTER_KEY', 'planted'],
    ['DATABASE_URL', 'planted'],
    ['https_proxy', 'http://proxy.test:3128'],
  ] as const) {
    const before = process.env[name];
    process.env[name] = value;
    t.after(() => {
      if (before === undefined) delete process.env[name];
      else process.env[name] = before;
    });
  }
  const { stdout } = await runCommand(['env'], { env: { EXTRA: 'yes' } });
  assert.doesNotMatch(stdout, /planted/);
  for (const line of [/^PATH=/m, /^https_proxy=http:\/\/proxy\.test:3128$/m, /^EXTRA=yes$/m])
    assert.match(stdout, line);
});
