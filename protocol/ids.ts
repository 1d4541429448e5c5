/** Ids: a prefix that says the kind, then 20 random characters. One function makes each. */

import { Type } from 'typebox';

const prefixes = {
  user: 'usr',
  login: 'lgn',
  token: 'tok',
  session: 'ses',
  sandbox: 'sbx',
  credential: 'crd',
  run: 'run',
  request: 'req',
  controller: 'ctl',
} as const;

export type IdKind = keyof typeof prefixes;
export type Id<K extends IdKind> = `${(typeof prefixes)[K]}_${string}`;

export type UserId = Id<'user'>;
export type SessionId = Id<'session'>;
export type SandboxId = Id<'sandbox'>;
export type CredentialId = Id<'credential'>;
export type RunId = Id<'run'>;
export type ControllerId = Id<'controller'>;

const alphabet = 'abcdefghijkmnpqrstuvwxyz23456789'; // 32 letters without the look-alikes l, o, 0, 1
const idLength = 20; // 100 bits

/** A new random id, for example `run_k3v…`. */
export function newId<K extends IdKind>(kind: K): Id<K> {
  const bytes = crypto.getRandomValues(new Uint8Array(idLength));
  let text = '';
  for (const byte of bytes) text += alphabet[byte & 31];
  return `${prefixes[kind]}_${text}`;
}

/** JSON Schema pattern of an id of this kind. */
export function idPattern(kind: IdKind): string {
  return `^${prefixes[kind]}_[a-z0-9]{${idLength}}$`;
}

export function idSchema<K extends IdKind>(kind: K) {
  return Type.Unsafe<Id<K>>(Type.String({ pattern: idPattern(kind) }));
}

export function isId<K extends IdKind>(kind: K, value: unknown): value is Id<K> {
  return typeof value === 'string' && new RegExp(idPattern(kind)).test(value);
}
