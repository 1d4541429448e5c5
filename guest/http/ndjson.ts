/** Streams an event log to one reader, at the reader's pace: a slow one holds a few events, never a copy of the log. */

import type { ServerResponse } from 'node:http';

interface ReadableLog {
  readonly ended: boolean;
  next(n: number): { n: number; line: Buffer } | undefined;
  listen(changed: () => void): () => void;
}

/** From the first event after number `after` on, then live; ends when the log has ended. */
export function streamLog(log: ReadableLog, after: number, response: ServerResponse): void {
  let last = after;

  function pump(): void {
    while (!response.writableNeedDrain && !response.writableEnded && !response.destroyed) {
      const entry = log.next(last);
      if (!entry) {
        if (log.ended) response.end();
        return;
      }
      last = entry.n;
      response.write(entry.line);
    }
  }

  response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
  response.flushHeaders();
  response.on('drain', pump);
  response.on('close', log.listen(pump));
  pump();
}
