import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Value } from 'typebox/value';
import { allows, ChangeProfile, CreateApiToken, type Scope, scopes } from './people.ts';

test('every scope includes read, admin includes every other, and no other includes one', () => {
  for (const granted of scopes) {
    const expected: Scope[] = granted === 'admin' ? [...scopes] : [...new Set<Scope>(['read', granted])];
    assert.deepEqual(
      scopes.filter((needed) => allows([granted], needed)),
      expected,
      granted,
    );
  }
  assert.ok(scopes.every((needed) => !allows([], needed)));
  assert.ok(allows(['run', 'connect'], 'connect'));
});

test('a name is one line that is not blank', () => {
  for (const name of ['Ada', ' Ada ', 'Ada Löwe 🦁', 'x'.repeat(64)]) assert.ok(Value.Check(ChangeProfile, { name }));
  for (const name of ['', ' ', '\t', 'a\nb', 'a\0', '\u007f', 'x'.repeat(65)])
    assert.ok(!Value.Check(ChangeProfile, { name }), JSON.stringify(name));
});

test('a token expires at a moment that a date can say, or never', () => {
  const ask = (expiresAtMs: unknown) => Value.Check(CreateApiToken, { name: 'ci', expiresAtMs });
  assert.ok(ask(null) && ask(1) && ask(8.64e15));
  assert.ok(!ask(8.65e15) && !ask(-1) && !ask(1.5) && !ask('1'));
});
