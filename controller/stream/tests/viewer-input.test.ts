import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createViewerInput } from '../viewer-input.ts';

const bytes = (...values: number[]) => Buffer.from(values);
/** A message: its type, and zeros up to its length but for what is put somewhere. */
function message(type: number, length: number, put: Record<number, number> = {}): Buffer {
  const made = Buffer.alloc(length);
  made[0] = type;
  for (const [at, value] of Object.entries(put)) made[Number(at)] = value;
  return made;
}
function clipboard(length: number, rest: Buffer): Buffer {
  const head = message(6, 8);
  head.writeInt32BE(length, 4);
  return Buffer.concat([head, rest]);
}
const flags = (value: number) => {
  const made = Buffer.alloc(8);
  made.writeUInt32BE(value);
  return made;
};
const opening = Buffer.concat([Buffer.from('RFB 003.008\n'), bytes(1), bytes(1)]);

const ofThePerson: Record<string, Buffer> = {
  key: message(4, 8),
  'extended key': message(255, 12),
  pointer: message(5, 6, { 1: 0x41 }),
  'pointer with more buttons': message(5, 7, { 1: 0x80, 6: 1 }),
  'copied text': clipboard(5, Buffer.from('hello')),
  'no text': clipboard(0, bytes()),
  'something was copied': clipboard(-8, flags((1 << 27) | 1)),
  'here it is': clipboard(-8, flags((1 << 28) | 1)),
};
const ofTheViewer: Record<string, Buffer> = {
  'pixel format': message(0, 20),
  encodings: message(2, 16, { 3: 3 }),
  'update request': message(3, 10),
  'continuous updates': message(150, 10),
  fence: message(248, 12, { 8: 3 }),
  'empty fence': message(248, 9),
  'power switch': message(250, 4),
  'desktop size': message(251, 24, { 6: 1 }),
  'clipboard abilities': clipboard(-8, flags((1 << 24) | 1)),
  'wish for the clipboard': clipboard(-8, flags((1 << 25) | 1)),
};

/** A viewer that has opened its connection. */
function opened(): (chunk: Buffer) => boolean {
  const hasInput = createViewerInput();
  assert.equal(hasInput(opening), false);
  return hasInput;
}

for (const [name, sent] of Object.entries(ofThePerson))
  test(`${name}: the person did something`, () => {
    const hasInput = opened();
    assert.equal(hasInput(sent), true);
    assert.equal(hasInput(message(3, 10)), false);
  });

for (const [name, sent] of Object.entries(ofTheViewer))
  test(`${name}: the viewer did it by itself`, () => {
    const hasInput = opened();
    assert.equal(hasInput(sent), false);
    assert.equal(hasInput(message(3, 10)), false);
    assert.equal(hasInput(message(4, 8)), true);
  });

test('however a stream is cut, each act of the person is found once', () => {
  const own = fc.constantFrom(...Object.values(ofTheViewer));
  const acts = fc.constantFrom(...Object.values(ofThePerson));
  const stream = fc.array(fc.oneof(own, acts), { maxLength: 12 });
  const cuts = fc.infiniteStream(fc.integer({ min: 1, max: 15 }));
  fc.assert(
    fc.property(stream, cuts, (messages, sizes) => {
      const hasInput = createViewerInput();
      const all = Buffer.concat([opening, ...messages]);
      let found = 0;
      for (let at = 0; at < all.length; ) {
        const size = sizes.next().value ?? 1;
        if (hasInput(all.subarray(at, at + size))) found += 1;
        at += size;
      }
      const sent = messages.filter((sent) => Object.values(ofThePerson).includes(sent)).length;
      assert.equal(found > 0, sent > 0);
      assert.ok(found <= sent);
    }),
  );
});

test('a viewer of RFB 3.3 chooses no security', () => {
  const hasInput = createViewerInput();
  assert.equal(hasInput(Buffer.concat([Buffer.from('RFB 003.003\n'), bytes(1), message(3, 10)])), false);
  assert.equal(hasInput(message(5, 6)), true);
});

const strange: Record<string, Buffer> = {
  'another protocol': Buffer.from('GET / HTTP/1.1\r\n'),
  'a password': Buffer.concat([Buffer.from('RFB 003.008\n'), bytes(2)]),
  'an unknown message': Buffer.concat([opening, bytes(99)]),
  'an unknown message of QEMU': Buffer.concat([opening, bytes(255, 1)]),
  'a clipboard without flags': Buffer.concat([opening, clipboard(-2, bytes(0, 0))]),
};
for (const [name, sent] of Object.entries(strange))
  test(`after ${name} everything counts`, () => {
    const hasInput = createViewerInput();
    assert.equal(hasInput(sent), true);
    assert.equal(hasInput(message(3, 10)), true);
  });
