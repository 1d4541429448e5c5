/** Where a process's log goes: a file that is set aside when it has grown large, so a log never fills a disk. */

import { createWriteStream, renameSync, statSync, type WriteStream } from 'node:fs';
import { Writable } from 'node:stream';

const maxBytes = 20 * 1024 * 1024;

/**
 * `<file>` and, older, `<file>.1`. Never fails: what finds no room is not kept, and the next is tried again, so that a full
 * disk does not end whose log it is.
 */
export function openLogFile(file: string, limitBytes = maxBytes): Writable {
  let written = sizeOf(file);
  let out = open(file);
  function reopen(): void {
    out = open(file);
    written = sizeOf(file);
  }
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (out.destroyed) reopen();
      if (written + chunk.length > limitBytes && written > 0) {
        out.end();
        setAside(file);
        reopen();
      }
      written += chunk.length;
      out.write(chunk, () => done());
    },
    final(done) {
      out.end(() => done());
    },
  });
}

function open(file: string): WriteStream {
  return createWriteStream(file, { flags: 'a', mode: 0o600 }).on('error', () => {}); // It is destroyed then.
}

function setAside(file: string): void {
  try {
    renameSync(file, `${file}.1`);
  } catch {
    // Somebody else has taken it away.
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
