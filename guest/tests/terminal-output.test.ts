import assert from 'node:assert/strict';
import { linkSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { printedAgoMs } from '../display/terminal-output.ts';
import { scratchFolder } from './scratch-agent.ts';

test('the last word in any terminal counts, but not what the system says on its console', (t) => {
  const folder = scratchFolder(t);
  const terminals = join(folder, 'pts');
  const console = join(folder, 'console');
  mkdirSync(terminals);
  assert.equal(printedAgoMs(terminals, console), undefined);
  const print = (name: string, secondsAgo: number) => {
    writeFileSync(join(terminals, name), '');
    const at = Date.now() / 1000 - secondsAgo;
    utimesSync(join(terminals, name), at, at);
  };
  print('0', 1);
  linkSync(join(terminals, '0'), console);
  print('1', 300);
  print('2', 60);
  print('ptmx', 2);
  const agoMs = printedAgoMs(terminals, console) ?? assert.fail();
  assert.ok(agoMs >= 60_000 && agoMs < 70_000, `${agoMs} ms`);
});
