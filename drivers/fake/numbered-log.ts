/** A numbered list of events, streamed as NDJSON to any number of readers from any number on. */

import type { ServerResponse } from 'node:http';

interface Numbered {
  n: number;
  atMs: number;
}

type Unnumbered<E> = E extends Numbered ? Omit<E, keyof Numbered> : never;

export interface NumberedLog<E extends Numbered> {
  append(event: Unnumbered<E>): void;
  end(): void;
  readonly ended: boolean;
  /** Sends everything after `after`, then what comes, until the end. */
  stream(response: ServerResponse, after: number): void;
}

export function createNumberedLog<E extends Numbered>(): NumberedLog<E> {
  const lines: string[] = [];
  const readers = new Set<ServerResponse>();
  let ended = false;

  return {
    append(event) {
      if (ended) return;
      const line = `${JSON.stringify({ n: lines.length + 1, atMs: Date.now(), ...event })}\n`;
      lines.push(line);
      for (const reader of readers) reader.write(line);
    },
    end() {
      ended = true;
      for (const reader of readers) reader.end();
      readers.clear();
    },
    get ended() {
      return ended;
    },
    stream(response, after) {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      response.flushHeaders();
      for (const line of lines.slice(after)) response.write(line);
      if (ended) {
        response.end();
        return;
      }
      readers.add(response);
      response.on('close', () => readers.delete(response));
    },
  };
}
