/** Passwords at rest: argon2id, written as `v1$memoryKiB$passes$lanes$salt$tag`, salt and tag in base64url. */

import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify(argon2);

const version = 'v1';
const cost = { memoryKiB: 64 * 1024, passes: 3, lanes: 1 };
const saltBytes = 16;
const tagBytes = 32;

type Cost = typeof cost;

export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(saltBytes);
  return write(cost, salt, await tagOf(password, salt, cost));
}

/**
 * With `null` for someone unknown it does the same work and answers false, so that the time taken does not tell which
 * names exist.
 */
export async function verifyPassword(password: string, stored: string | null): Promise<boolean> {
  const parsed = stored === null ? null : parse(stored);
  if (!parsed) {
    await tagOf(password, Buffer.alloc(saltBytes), cost);
    return false;
  }
  const found = await tagOf(password, parsed.salt, parsed.cost, parsed.tag.length);
  return timingSafeEqual(found, parsed.tag);
}

async function tagOf(password: string, salt: Buffer, { memoryKiB, passes, lanes }: Cost, length = tagBytes) {
  return await derive('argon2id', {
    // The same letters however a keyboard composes them.
    message: password.normalize('NFC'),
    nonce: salt,
    memory: memoryKiB,
    passes,
    parallelism: lanes,
    tagLength: length,
  });
}

function write({ memoryKiB, passes, lanes }: Cost, salt: Buffer, tag: Buffer): string {
  return [version, memoryKiB, passes, lanes, salt.toString('base64url'), tag.toString('base64url')].join('$');
}

function parse(stored: string): { cost: Cost; salt: Buffer; tag: Buffer } | null {
  const [found, memoryKiB, passes, lanes, salt, tag] = stored.split('$');
  if (found !== version || !salt || !tag) return null;
  return {
    cost: { memoryKiB: Number(memoryKiB), passes: Number(passes), lanes: Number(lanes) },
    salt: Buffer.from(salt, 'base64url'),
    tag: Buffer.from(tag, 'base64url'),
  };
}
