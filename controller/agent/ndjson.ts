/** Lines out of a stream of bytes, never holding more than one line of a bounded length. */

import { PolydevError } from '@polydev/protocol';

const newline = 0x0a;

/** Yields each line without its newline. Throws `agent_talks_nonsense` for a longer one; drops an unfinished last one. */
export async function* readLines(source: AsyncIterable<Buffer>, maxLineBytes: number): AsyncGenerator<string> {
  let parts: Buffer[] = [];
  let heldBytes = 0;
  for await (const chunk of source) {
    let start = 0;
    while (start < chunk.length) {
      const found = chunk.indexOf(newline, start);
      const end = found === -1 ? chunk.length : found;
      parts.push(chunk.subarray(start, end));
      heldBytes += end - start;
      if (heldBytes > maxLineBytes) {
        throw new PolydevError('agent_talks_nonsense', 'The sandbox sent a line that is too long.', {
          details: { maxLineBytes },
        });
      }
      if (found === -1) break;
      yield Buffer.concat(parts).toString('utf8');
      parts = [];
      heldBytes = 0;
      start = found + 1;
    }
  }
}
