/** Why a file or folder that the start needs could not be written, in one sentence. */

import { PolydevError } from '@polydev/protocol';

const reasons: Readonly<Record<string, string>> = {
  EACCES: "the controller's user may not write there",
  EPERM: "the controller's user may not write there",
  EROFS: 'the file system is read-only',
  ENOENT: 'the folder does not exist',
  ENOTDIR: 'a part of the path is no folder',
  EEXIST: 'something else is there',
};

/** `what` begins the sentence and names the path. `disk_full` or `host_lacks`. */
export function notWritten(what: string, cause: unknown): PolydevError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new PolydevError('disk_full', `${what} cannot be written: the disk is full.`, { cause });
  return new PolydevError('host_lacks', `${what} cannot be written: ${reasons[code] ?? code}.`, { cause });
}
