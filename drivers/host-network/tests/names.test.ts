import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '@polydev/protocol';
import { instancePattern, linkName, linkPrefix, tableName } from '../names.ts';

test('a link has a name that Linux takes, its own, and the prefix of its instance', () => {
  const names = Array.from({ length: 500 }, () => linkName('main', newId('sandbox')));
  assert.equal(new Set(names).size, names.length);
  for (const name of names) {
    assert.ok(name.length <= 15, name);
    assert.ok(name.startsWith(linkPrefix('main')), name);
  }
});

test('two instances have no link and no table in common', () => {
  const id = newId('sandbox');
  assert.notEqual(linkName('main', id), linkName('other', id));
  assert.notEqual(tableName('main'), tableName('other'));
});

test('an instance is called what names can hold', () => {
  for (const good of ['main', 'i0a1b2c', 'a-b']) assert.match(good, instancePattern);
  for (const bad of ['', 'Main', '1st', 'a b', 'a/b', 'a;b', '../x', 'a'.repeat(33)])
    assert.doesNotMatch(bad, instancePattern);
});
