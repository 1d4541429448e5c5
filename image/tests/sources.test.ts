import assert from 'node:assert/strict';
import { test } from 'node:test';
import { debianSources, mirrorSources } from '../sources.ts';

test("only Debian's own archives are taken from the host, each once, without backports", () => {
  const targets = [
    'Debian|http://archive.example/debian/|bookworm|main',
    'Debian|http://archive.example/debian/|bookworm|main',
    'Debian|http://archive.example/debian/|bookworm|contrib',
    'Debian|http://archive.example/debian/|bookworm-updates|main',
    'Debian|http://archive.example/debian-security/|bookworm-security|main',
    'Debian Backports|http://archive.example/debian/|bookworm-backports|main',
    'Debian|http://archive.example/debian/|bookworm-backports|main',
    '. nodistro|https://deb.nodesource.com/node_20.x/|nodistro|main',
    'cloud-sdk-bookworm|https://packages.cloud.google.com/apt/|cloud-sdk-bookworm|main',
    '',
  ].join('\n');
  assert.deepEqual(debianSources(targets), [
    'deb http://archive.example/debian/ bookworm main',
    'deb http://archive.example/debian/ bookworm-updates main',
    'deb http://archive.example/debian-security/ bookworm-security main',
  ]);
});

test('a mirror replaces them, with its security archive where its address shows there is one', () => {
  assert.deepEqual(mirrorSources('http://mirror.example/debian/', 'bookworm'), {
    suite: 'bookworm',
    lines: [
      'deb http://mirror.example/debian bookworm main',
      'deb http://mirror.example/debian bookworm-updates main',
      'deb http://mirror.example/debian-security bookworm-security main',
    ],
  });
  assert.equal(mirrorSources('http://mirror.example/archive', 'bookworm').lines.length, 2);
});

test('what is no address is refused, so that nothing can be slipped into a list of sources', () => {
  for (const mirror of ['file:///etc', 'http://a b', 'http://a\ndeb http://evil', '']) {
    assert.throws(() => mirrorSources(mirror, 'bookworm'), { code: 'invalid_request' });
  }
});
