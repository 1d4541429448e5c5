import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { createLineSplitter } from '../exec/line-splitter.ts';

/** What comes of a text that arrives in pieces of the given sizes; a dropped line shows as null. */
function split(text: Buffer, sizes: number[], maxBytes: number): (string | null)[] {
  const lines: (string | null)[] = [];
  const splitter = createLineSplitter({ maxBytes, line: (line) => lines.push(line), tooLong: () => lines.push(null) });
  let at = 0;
  for (const size of [...sizes, text.length]) {
    splitter.push(text.subarray(at, at + size));
    at += size;
  }
  splitter.end();
  return lines;
}

suite('splitting lines', { timeout: 120_000 }, () => {
  const text = fc
    .array(fc.constantFrom('a', 'é', '€', '\n', '😀', '\r'), { maxLength: 60 })
    .map((parts) => parts.join(''));
  const sizes = fc.array(fc.nat(7), { maxLength: 60 });

  test('gives the same lines however the text arrives, also cut within a character', () => {
    fc.assert(
      fc.property(text, sizes, (said, pieces) => {
        const expected = said.split('\n');
        if (expected.at(-1) === '') expected.pop();
        assert.deepEqual(split(Buffer.from(said), pieces, 1000), expected);
      }),
    );
  });

  test('drops exactly the lines that are too long', () => {
    fc.assert(
      fc.property(text, sizes, (said, pieces) => {
        const expected = said.split('\n').map((line) => (Buffer.byteLength(line) <= 5 ? line : null));
        if (expected.at(-1) === '') expected.pop();
        assert.deepEqual(split(Buffer.from(said), pieces, 5), expected);
      }),
    );
  });
});
