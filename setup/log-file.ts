/** Where a process's log goes: a file that is set aside when it has grown large, so a log never fills a disk. */

import { createWriteStream, renameSync, statSync, type WriteStream } from 'node:fs';
import { Writable } from 'node:stream';

const maxBytes = 20 * 1024 * 1024;

/** `<file>` and, older, `<file>.1`. */
export function openLogFile(file: string, limitBytes = maxBytes): Writable {
  let written = sizeOf(file);
  let out = open(file);
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (written + chunk.length > limitBytes && written > 0) {
        out.end();
        renameSync(file, `${file}.1`);
        out = open(file);
        written = 0;
      }
      written += chunk.length;
      out.write(chunk, (error) => done(error));
    },
    final(done) {
      out.end(done);
    },
  });
}

function open(file: string): WriteStream {
  return createWriteStream(file, { flags: 'a', mode: 0o600 });
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
