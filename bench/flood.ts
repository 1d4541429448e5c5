/**
 * A source that floods whoever connects to a unix socket, as a busy display would, and answers a small message with a
 * mark in the stream. `node bench/flood.ts SOCKET`.
 */

import { chmodSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';

const chunk = Buffer.alloc(64 * 1024);
/** Nothing else in the flood is not zero; one byte, so that nobody on the way can cut it in two. */
const mark = Buffer.from([1]);

const [path = ''] = process.argv.slice(2);
rmSync(path, { force: true });
createServer((socket) => {
  let marks = 0;
  const pump = () => {
    while (!socket.destroyed) {
      const more = socket.write(marks > 0 ? mark : chunk);
      marks = Math.max(0, marks - 1);
      if (!more) break;
    }
  };
  socket.on('drain', pump);
  socket.on('data', () => {
    marks += 1;
  });
  socket.on('error', () => socket.destroy());
  pump();
}).listen(path, () => {
  chmodSync(path, 0o666);
  process.stdout.write('listening\n');
});
