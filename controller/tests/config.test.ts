import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import { PolydevError } from '@polydev/protocol';
import { parseConfig, printable, readSettings } from '../config.ts';

const example = join(import.meta.dirname, '../../docs/config.example.json');

function fileWith(t: TestContext, content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'polydev-config-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'config.json');
  writeFileSync(path, content);
  return path;
}

const refused = (pattern: RegExp) => (error: unknown) =>
  error instanceof PolydevError && error.code === 'invalid_request' && pattern.test(error.message);

test('with nothing said, everything has its default', () => {
  const { config, allowRoot } = readSettings([], {});
  assert.equal(config.host, '127.0.0.1');
  assert.equal(config.port, 4000);
  assert.equal(config.databaseUrl, null);
  assert.deepEqual(config.egress.allowedPorts, [80, 443]);
  assert.equal(config.signIn.verify, 'run');
  assert.equal(config.sandbox.desktop.memoryMiB, 4096);
  assert.equal(allowRoot, false);
});

test('the example file loads, and what it shows is what it sets', () => {
  const { config } = readSettings(['--config', example], {});
  const shown = JSON.parse(readFileSync(example, 'utf8'));
  for (const [key, value] of Object.entries(shown)) assert.deepEqual(config[key as keyof typeof config], value, key);
});

test('flags win over the environment, which wins over the file, which wins over defaults', (t) => {
  const file = fileWith(t, '{"host":"file","port":1,"publicUrl":"http://file","egress":{"port":7}}');
  const { config } = readSettings(['--config', file, '--host', 'flag'], { POLYDEV_HOST: 'env', POLYDEV_PORT: '2' });
  assert.equal(config.host, 'flag');
  assert.equal(config.port, 2);
  assert.equal(config.publicUrl, 'http://file');
  assert.equal(config.egress.port, 7);
  assert.equal(config.egress.listenAddress, '100.127.255.1');
});

test('an empty variable counts as not set', () => {
  assert.equal(readSettings([], { DATABASE_URL: '' }).config.databaseUrl, null);
});

test('what is wrong is named', (t) => {
  assert.throws(() => readSettings(['--port', 'many'], {}), refused(/port/));
  assert.throws(() => readSettings(['--prot', '1'], {}), refused(/prot/));
  assert.throws(() => readSettings(['--config', '/nowhere'], {}), refused(/\/nowhere is not read: there is none/));
  assert.throws(() => readSettings(['--config', fileWith(t, '{"prot":1}')], {}), refused(/prot/));
  assert.throws(() => readSettings(['--config', fileWith(t, '[]')], {}), refused(/one JSON object/));
  assert.throws(() => parseConfig({ egress: { ports: [1] } }), refused(/egress.*ports/));
  assert.throws(() => parseConfig({ signIn: { defaultMs: 5000, hardMs: 4000 } }), refused(/hardMs/));
});

test('a file that is not JSON is said to be so, and not quoted', (t) => {
  const file = fileWith(t, '{"masterKey": planted}');
  assert.throws(
    () => readSettings(['--config', file], {}),
    (error: Error) => {
      assert.match(error.message, /is not JSON/);
      assert.doesNotMatch(inspect(error), /planted/);
      return true;
    },
  );
});

test('printing shows no secret', () => {
  const { config } = readSettings([], {
    DATABASE_URL: 'postgres://me:planted@db/x',
    REDIS_URL: 'redis://:planted@cache',
    POLYDEV_MASTER_KEY: 'planted',
    POLYDEV_UPSTREAM_PROXY: 'http://me:planted@proxy',
  });
  const shown = JSON.stringify(printable(config));
  assert.doesNotMatch(shown, /planted/);
  assert.match(shown, /"masterKey":"\(set\)"/);
  assert.equal(config.masterKey, 'planted');
});
