/** Files of the agent's own folder, which everyone in the sandbox may read: there at once and whole. */

import { renameSync, writeFileSync } from 'node:fs';

export function putFile(path: string, content: string): void {
  const beside = `${path}.new`;
  writeFileSync(beside, content, { mode: 0o644 });
  renameSync(beside, path);
}
