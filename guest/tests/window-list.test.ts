import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { followWindows } from '../display/window-list.ts';
import { scratchFolder } from './scratch-agent.ts';

test('a window whose class could not be looked up is looked at again', { timeout: 120_000 }, async (t) => {
  const folder = scratchFolder(t);
  chmodSync(folder, 0o755);
  const failed = join(folder, 'failed');
  // As on a host so busy that the first look at a window takes too long.
  const xprop = `#!/bin/sh
if [ "$1" = -root ]; then
  echo '_NET_CLIENT_LIST(WINDOW): window id # 0x800003'
  exec sleep 60
fi
[ -e ${failed} ] || { : > ${failed}; exit 1; }
echo 'WM_CLASS(STRING) = "terminal", "Terminal"'
`;
  writeFileSync(join(folder, 'xprop'), xprop, { mode: 0o755 });
  const owner = { name: 'me', uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const environment = { PATH: `${folder}:${process.env.PATH}` };
  const over = new AbortController();
  const told: string[] = [];
  const changed = (classes: readonly string[]) => {
    told.push(classes.join());
    if (told.at(-1) !== '') over.abort();
  };
  await followWindows({ owner, environment, changed }, over.signal);
  assert.deepEqual(
    told.map((classes) => classes.trim()),
    ['', 'WM_CLASS(STRING) = "terminal", "Terminal"'],
  );
});
