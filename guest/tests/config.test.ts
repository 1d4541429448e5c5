import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseEnvironment, profileOf } from '../config.ts';
import { sayReady } from '../ready-line.ts';
import { scratchFolder } from './scratch-agent.ts';

test('the profile is the target that systemd was told to boot', () => {
  const container = '/lib/systemd/systemd\0--unit=polydev-desktop.target\0';
  assert.equal(profileOf(container, 'BOOT_IMAGE=/vmlinuz quiet'), 'desktop');
  assert.equal(profileOf('/sbin/init\0', 'console=ttyS0 systemd.unit=polydev-desktop.target'), 'desktop');
  assert.equal(profileOf('/sbin/init\0--unit=polydev-headless.target\0', ''), 'headless');
});

test('the environment of the image is read as systemd reads it', () => {
  const text = '# a comment\nPATH=/usr/bin:/bin\n\nQUOTED="a b"\nSINGLE=\'c d\'\nEQUALS=a=b\nEMPTY=\n';
  assert.deepEqual(parseEnvironment(text), {
    PATH: '/usr/bin:/bin',
    QUOTED: 'a b',
    SINGLE: 'c d',
    EQUALS: 'a=b',
    EMPTY: '',
  });
});

test('the console is told when the agent listens', (t) => {
  const folder = scratchFolder(t);
  mkdirSync(folder, { recursive: true });
  const console = join(folder, 'console');
  writeFileSync(console, '');
  sayReady(console);
  assert.equal(readFileSync(console, 'utf8'), 'polydev-agent ready\n');
});
