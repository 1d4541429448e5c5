/** The person in the sandbox, whose rights the agent takes on before it touches their files. */

export interface Owner {
  name: string;
  uid: number;
  gid: number;
}

/**
 * Does synchronous file work with the owner's rights, so that a link or a pipe they left in their home folder leads
 * the agent nowhere they could not go themselves. Nothing else runs in between, because nothing here waits.
 */
export function asOwner<T>(owner: Owner, work: () => T): T {
  const uid = process.geteuid?.();
  const gid = process.getegid?.();
  if (uid === undefined || gid === undefined || uid === owner.uid) return work();
  process.setegid?.(owner.gid);
  process.seteuid?.(owner.uid);
  try {
    return work();
  } finally {
    process.seteuid?.(uid);
    process.setegid?.(gid);
  }
}
