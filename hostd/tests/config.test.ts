import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../config.ts';

test('without options it is the main instance at the places of the architecture page', () => {
  assert.deepEqual(parseConfig([]), {
    socket: '/run/polydev/main/hostd.sock',
    group: undefined,
    journal: '/var/lib/polydev/journal',
    runDir: '/run/polydev/main',
    images: '/var/cache/polydev/images',
    instance: 'main',
    gateway: { host: '100.127.255.1', port: 3128 },
  });
});

test('what cannot be is refused, with the option and what it got', () => {
  const wrong: [string[], RegExp][] = [
    [['--gateway-port', '0'], /--gateway-port .*"0"/],
    [['--gateway-port', 'http'], /--gateway-port/],
    [['--gateway-address', '::1'], /--gateway-address .*"::1"/],
    [['--instance', 'a b'], /--instance/],
    [['--run-dir', '/run/a,lowerdir=/etc'], /--run-dir/],
    [['--images', 'images'], /--images/],
    [['--socket', ''], /--socket/],
    [['--verbose'], /verbose/],
    [['surplus'], /surplus/],
  ];
  for (const [args, message] of wrong)
    assert.throws(() => parseConfig(args), { code: 'invalid_request', message }, args.join(' '));
});
