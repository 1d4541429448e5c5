import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerTo, piecesOf } from '../answers.ts';

test('whatever follows "say exactly" is the answer', () => {
  const said: [string, string][] = [
    ['Say exactly pineapple.', 'pineapple'],
    ['Please say exactly: POLYDEV-OK', 'POLYDEV-OK'],
    ['say exactly "two words"', 'two words'],
    ['Hello.\nNow say exactly v1.2.3 works! Thanks.', 'v1.2.3 works'],
    ['Reply with the single word OK.', 'OK'],
    ['say exactly one two three\nand nothing else', 'one two three'],
  ];
  for (const [prompt, answer] of said) assert.equal(answerTo(prompt, 'Claude'), answer);
});

test('other prompts are answered with what was understood of them', () => {
  const answer = answerTo('How tall is the Eiffel tower?', 'Codex');
  assert.match(answer, /stand-in for Codex/);
  assert.match(answer, /How tall is the Eiffel tower\?/);
  assert.ok(answerTo('long '.repeat(1000), 'Codex').length < 400);
});

test('pieces make the answer, several of them, never too many', () => {
  const answers = ['ok', 'pineapple', 'a sentence of a few words', answerTo('x', 'Claude', 500_000), 'żółć 🍍 end'];
  for (const answer of answers) {
    const pieces = piecesOf(answer);
    assert.equal(pieces.join(''), answer);
    assert.ok(pieces.length >= 2 && pieces.length <= 500, `${pieces.length} pieces`);
  }
  assert.deepEqual(piecesOf(''), []);
});
