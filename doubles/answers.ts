/** Turns a prompt into a short sensible answer, and the answer into pieces. */

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

export function answerTo(prompt: string, product: string, sizeBytes?: number): string {
  const wanted = wantedWords(prompt);
  const words = prompt.split(/\s+/).filter(Boolean).length;
  const short = wanted ?? `I am a local stand-in for ${product}. You sent ${words} words: “${shortened(prompt)}”`;
  return sizeBytes === undefined ? short : padded(short, sizeBytes);
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
