/** Every name that the host network gives away. Making and finding use these functions, so they cannot disagree. */

import { createHash } from 'node:crypto';
import type { SandboxId } from '@polydev/protocol';

const tagLength = 3;
const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

/** Three letters that keep instances on one host apart. */
function instanceTag(instance: string): string {
  const digest = createHash('sha256').update(instance).digest();
  return [...digest.subarray(0, tagLength)].map((byte) => alphabet[byte & 31]).join('');
}

/** What the names of all links of an instance begin with. */
export function linkPrefix(instance: string): string {
  return `pdv${instanceTag(instance)}`;
}

/** The host's end of a sandbox's link; 15 characters, the most that Linux takes. */
export function linkName(instance: string, id: SandboxId): string {
  const random = id.slice(id.indexOf('_') + 1);
  return `${linkPrefix(instance)}${random.slice(0, 9)}`;
}

/** Without the family, which is `inet`. */
export function tableName(instance: string): string {
  return `polydev_${instance.replaceAll('-', '_')}`;
}

/** What an instance may be called: it becomes part of names of links, tables, folders and control groups. */
export const instancePattern = /^[a-z][a-z0-9-]{0,31}$/;
