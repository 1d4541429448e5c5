/** Plain credentials: as bytes, and judged again when they come from a sandbox, whose word counts for nothing. */

import { AccountInfo, CredentialBundle, limits, PolydevError } from '@polydev/protocol';
import type { Provider } from '@polydev/providers/provider';
import { Value } from 'typebox/value';
import { Secret } from './secret.ts';

/** Two files of the largest size, with what JSON adds. */
const maxBundleBytes = 3 * limits.credentialBytes;

export type SecretBundle = Secret<CredentialBundle>;

export function encodeBundle(bundle: SecretBundle): Uint8Array {
  return Buffer.from(JSON.stringify(bundle.reveal()));
}

/** Null for anything that is no credential. */
export function decodeBundle(bytes: Uint8Array): SecretBundle | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
    return Value.Check(CredentialBundle, value) ? new Secret(value) : null;
  } catch {
    return null;
  }
}

export interface Captured {
  bundle: SecretBundle;
  account: AccountInfo;
}

/** What a sandbox captured: files that this provider knows, complete, no bigger than they may be, and what it needs of them. */
export function judgeCaptured(bytes: Uint8Array, provider: Provider): Captured {
  const plain = bytes.length <= maxBundleBytes ? decodeBundle(bytes)?.reveal() : undefined;
  if (plain?.kind !== 'files' || plain.provider !== provider.id) throw notACredential();
  const files: Record<string, string> = {};
  for (const { path, content } of plain.files) {
    if (!provider.credentialFiles.includes(path) || path in files) throw notACredential();
    files[path] = content;
  }
  const reading = provider.readCredential(files);
  if (reading.status !== 'valid') throw notACredential();
  const packed = Object.entries(provider.pack(files)).map(([path, content]) => ({ path, content }));
  const needed = new Secret<CredentialBundle>({ kind: 'files', provider: provider.id, files: packed });
  return { bundle: needed, account: Value.Check(AccountInfo, reading.account) ? reading.account : {} };
}

function notACredential(): PolydevError {
  return new PolydevError('agent_talks_nonsense', 'The sandbox sent something that is not a credential of this tool.');
}
