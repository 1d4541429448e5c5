import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
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

test('other prompts are answered with what was understood of them, and with who answers', () => {
  const answer = answerTo('How tall is the Eiffel tower?', 'Codex');
  assert.match(answer, /^> How tall is the Eiffel tower\?$/m);
  assert.match(answer, /all 6 words/);
  assert.match(answer, /local model, standing in for Codex/);
  assert.ok(answerTo('long '.repeat(1000), 'Codex').length < 1000);
});

test('what the dashboard suggests asking, and a sum, it knows', () => {
  assert.match(answerTo('Explain what a reverse proxy does, with a small drawing in text.', 'Claude'), /```text\n/);
  assert.match(answerTo('Write a shell script that lists the ten largest files.', 'Claude'), /sort -rn/);
  assert.match(answerTo('Review this idea: a nightly job that rebases all open branches.', 'Claude'), /Conflicts/);
  assert.match(answerTo('What is 17 * 23?', 'Claude'), /= \*\*391\*\*/);
  assert.match(answerTo('What is 0.1 + 0.2?', 'Claude'), /= \*\*0\.3\*\*/);
  assert.doesNotMatch(answerTo('What is 1 / 0?', 'Claude'), /\*\*Infinity|NaN/);
});

test('whoever asks for code gets a program about the prompt, in the language asked for', () => {
  const program = (prompt: string) => /```\w+\n([\s\S]*?)\n```/.exec(answerTo(prompt, 'Claude'))?.[1] ?? '';
  const shell = 'A bash script with "quotes", $HOME, `ticks` and reversed\\slashes';
  assert.equal(
    execFileSync('sh', ['-c', program(shell)])
      .toString()
      .trim(),
    '9 reversed\\slashes',
  );
  const node = 'A JavaScript function that says "hello"';
  assert.equal(
    execFileSync(process.execPath, ['-e', program(node)])
      .toString()
      .trim(),
    '6 JavaScript',
  );
  assert.match(answerTo('Write a Python function that sorts.', 'Claude'), /```python\n/);
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
