/** The credential as it stands in the home folder, compared with what the controller knows of it. */

import { createHash } from 'node:crypto';
import { type CollectedCredential, type CredentialBundle, limits, PolydevError } from '@polydev/protocol';
import type { CredentialReading, HomeFiles, Provider } from '@polydev/providers/provider';
import type { HomeFolder } from '../home/home-files.ts';

export interface Snapshot {
  reading: CredentialReading;
  bundle: CredentialBundle;
  /** Differs whenever the bundle does. */
  fingerprint: string;
}

export interface Credential {
  look(): Snapshot;
  /** True when the controller has seen exactly this. */
  isKnown(snapshot: Snapshot): boolean;
  /** The controller has it now: it gave it, or it was sent it. */
  know(snapshot: Snapshot): void;
  restore(bundle: CredentialBundle): void;
  collect(seal: (bundle: CredentialBundle) => CollectedCredential['sealed']): CollectedCredential;
  /** What a process of the tool needs in its environment. */
  environment(): Record<string, string>;
}

/** A tool may keep other things beside its credential; packed they are gone. */
const fileBytes = 4 * limits.credentialBytes;
/** What still fits into a SealedBox, as base64 with its tag. */
const bundleBytes = 1.5 * limits.credentialBytes - 16;

export function createCredential(home: HomeFolder, provider: Provider): Credential {
  let apiKey: string | undefined;
  let known: string | undefined;

  function look(): Snapshot {
    const files: HomeFiles = Object.fromEntries(
      provider.credentialFiles.flatMap((path) => {
        const content = home.read(path, fileBytes);
        return content === undefined ? [] : [[path, content]];
      }),
    );
    const bundle: CredentialBundle = {
      kind: 'files',
      provider: provider.id,
      files: Object.entries(provider.pack(files)).map(([path, content]) => ({ path, content })),
    };
    const text = JSON.stringify(bundle);
    return {
      reading: Buffer.byteLength(text) > bundleBytes ? { status: 'incomplete' } : provider.readCredential(files),
      bundle,
      fingerprint: createHash('sha256').update(text).digest('hex'),
    };
  }

  function know(snapshot: Snapshot): void {
    known = snapshot.fingerprint;
  }

  return {
    look,
    know,
    isKnown: (snapshot) => snapshot.fingerprint === known,
    restore(bundle) {
      if (bundle.kind === 'api_key') {
        apiKey = bundle.apiKey;
        return;
      }
      if (bundle.files.some(({ path }) => !provider.credentialFiles.includes(path)))
        throw new PolydevError('invalid_request', 'The credential holds a file that is none of its tool.');
      for (const { path, content } of bundle.files) home.write(path, content);
      know(look());
    },
    collect(seal) {
      if (apiKey !== undefined) return { status: 'valid', changed: false };
      const { reading, bundle, fingerprint } = look();
      if (reading.status !== 'valid') return { status: reading.status, changed: known !== undefined };
      return { status: 'valid', sealed: seal(bundle), account: reading.account, changed: fingerprint !== known };
    },
    environment: () => (apiKey === undefined ? {} : { [provider.apiKeyVariable]: apiKey }),
  };
}
