/** Notices each moment at which the tool has saved a valid credential that the controller does not have yet. */

import type { Provider } from '@polydev/providers/provider';
import type { HomeFolder } from '../home/home-files.ts';
import type { Credential, Snapshot } from './credential.ts';
import { watchFiles } from './file-watch.ts';

/** A file that is being written is looked at again so many milliseconds after the last look, then left until it changes. */
const againAfterMs = [10, 20, 40, 80, 160, 320, 640];

export function startCapture(deps: {
  home: HomeFolder;
  provider: Provider;
  credential: Credential;
  now: () => number;
  found: (snapshot: Snapshot, seenAtMs: number) => void;
  /** A watch was refused: from now on a sign-in may go unnoticed. */
  failed: (error: unknown) => void;
}): { close(): void } {
  const { home, provider, credential } = deps;
  let seenAtMs = deps.now();
  let timer: NodeJS.Timeout | undefined;
  let last: string | undefined;

  function look(attempt: number): void {
    const snapshot = credential.look();
    if (snapshot.reading.status === 'valid' && !credential.isKnown(snapshot) && snapshot.fingerprint !== last) {
      last = snapshot.fingerprint;
      deps.found(snapshot, seenAtMs);
    }
    const waitMs = againAfterMs[attempt];
    if (snapshot.reading.status === 'incomplete' && waitMs !== undefined)
      timer = setTimeout(() => look(attempt + 1), waitMs);
  }

  /** Several events that come at once make one look. */
  function changed(): void {
    seenAtMs = deps.now();
    clearTimeout(timer);
    timer = setTimeout(() => look(0), 0);
  }

  for (const folder of provider.watchedFolders) if (folder !== '') home.makeFolder(folder);
  const watch = watchFiles({
    root: home.folder,
    files: provider.credentialFiles,
    folders: provider.watchedFolders,
    changed,
    failed: deps.failed,
  });
  look(0);

  return {
    close() {
      watch.close();
      clearTimeout(timer);
    },
  };
}
