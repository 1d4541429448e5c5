/** Turns a prompt into a short sensible answer, and the answer into pieces. */

import { knownAnswer } from './topics.ts';

const quotedCharacters = 200;

/** The text after "say exactly" or "the single word": what stands in quotes, else up to the end of its sentence or line. */
function wantedWords(prompt: string): string | undefined {
  const rest = /(?:say exactly|the single word):?[^\S\n]+(.*)/i.exec(prompt)?.[1];
  if (!rest) return undefined;
  const quoted = /^["'“](.+?)["'”]/.exec(rest)?.[1];
  return quoted ?? rest.split(/[.!?](?=\s|$)/)[0]?.trim();
}

function shortened(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > quotedCharacters ? `${line.slice(0, quotedCharacters)}…` : line;
}

const wantsCode = /\b(code|script|function|program|class|regex|query|python|javascript|typescript|bash|shell)\b/i;

/** A program about the prompt, in the language it names: the one thing it can write about anything. */
function programAbout(prompt: string): string {
  const text = JSON.stringify(shortened(prompt).replaceAll('`', "'"));
  if (/\b(javascript|typescript|node)\b/i.test(prompt))
    return `\`\`\`js
const words = ${text}.split(' ');
const longest = words.reduce((a, b) => (b.length > a.length ? b : a));
console.log(words.length, longest);
\`\`\``;
  if (/\b(bash|shell)\b/i.test(prompt))
    return `\`\`\`sh
printf '%s\\n' ${text.replaceAll('$', '\\$')} |
  tr ' ' '\\n' |
  awk '{ if (length > length(longest)) longest = $0 } END { print NR, longest }'
\`\`\``;
  return `\`\`\`python
words = ${text}.split()
print(len(words), max(words, key=len))
\`\`\``;
}

/** For what it does not know: what it got, and an honest word about that. */
function honestAnswer(prompt: string, words: number): string {
  const quoted = `> ${shortened(prompt)}`;
  if (wantsCode.test(prompt))
    return `${quoted}

That is beyond me, but here is a small program about what you asked. It prints how many words that was, and the longest:

${programAbout(prompt)}`;
  return `${quoted}

I got this, all ${words} ${words === 1 ? 'word' : 'words'} of it, but what I know is little. What happened around it is the real thing, though:

- Polydev opened your credential and started a sandbox for this one prompt.
- **The official tool** ran in it, and asked me as it would ask its provider.
- The answer streams to you word by word; then the sandbox is destroyed.`;
}

export function answerTo(prompt: string, product: string, sizeBytes?: number): string {
  const words = prompt.split(/\s+/).filter(Boolean).length;
  const answer =
    wantedWords(prompt) ??
    `${knownAnswer(prompt) ?? honestAnswer(prompt, words)}

*I am a small local model, standing in for ${product}. Tell me to \`fail with 429\` and I will.*`;
  return sizeBytes === undefined ? answer : padded(answer, sizeBytes);
}

/** Exactly so many bytes of UTF-8: cut, or continued in ASCII. */
function padded(text: string, sizeBytes: number): string {
  const head = Buffer.from(text.replace(/[^\x20-\x7e]/g, "'")).subarray(0, sizeBytes);
  const filler = ' The quick brown fox jumps over the lazy dog.';
  const missing = sizeBytes - head.length;
  return head.toString() + filler.repeat(Math.ceil(missing / filler.length)).slice(0, missing);
}

const fewestPieces = 4;
const mostPieces = 500;

/** Word by word; a very short answer in parts of words, a very long one in groups of words. */
export function piecesOf(answer: string): string[] {
  const words = answer.match(/\s*\S+|\s+$/g) ?? [];
  if (words.length < fewestPieces) return grouped([...answer], fewestPieces);
  return words.length > mostPieces ? grouped(words, mostPieces) : words;
}

function grouped(parts: readonly string[], groups: number): string[] {
  const size = Math.max(1, Math.ceil(parts.length / groups));
  const pieces: string[] = [];
  for (let start = 0; start < parts.length; start += size) pieces.push(parts.slice(start, start + size).join(''));
  return pieces;
}
