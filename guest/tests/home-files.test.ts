import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { createHomeFolder } from '../home/home-files.ts';
import { scratchFolder } from './scratch-agent.ts';

const skip = process.geteuid?.() === 0 ? false : 'needs root, to give up its rights';
const owner = { name: 'nobody', uid: 65534, gid: 65534 };

suite('files of the home folder', { timeout: 120_000 }, () => {
  test('are read and written with the rights of their owner, wherever their links lead', { skip }, (t) => {
    const folder = scratchFolder(t);
    chmodSync(folder, 0o755);
    const path = join(folder, 'home');
    mkdirSync(path);
    chownSync(path, owner.uid, owner.gid);
    const secrets = join(folder, 'secrets');
    mkdirSync(secrets, { mode: 0o700 });
    writeFileSync(join(secrets, 'token'), 'secret', { mode: 0o600 });
    symlinkSync(join(secrets, 'token'), join(path, 'link'));
    symlinkSync(secrets, join(path, 'folder-link'));

    const home = createHomeFolder(path, owner);
    assert.equal(home.read('link', 100), undefined);
    assert.equal(home.read('folder-link/token', 100), undefined);
    assert.throws(() => home.write('folder-link/token', 'planted'), { code: /^(EACCES|EPERM)$/ });
    assert.equal(readFileSync(join(secrets, 'token'), 'utf8'), 'secret');

    home.write('.tool/settings', 'kept');
    assert.equal(home.read('.tool/settings', 100), 'kept');
    for (const [name, mode] of [
      ['.tool', 0o700],
      ['.tool/settings', 0o600],
    ] as const) {
      const stat = statSync(join(path, name));
      assert.deepEqual([stat.uid, stat.gid, stat.mode & 0o777], [owner.uid, owner.gid, mode]);
    }
    assert.equal(process.geteuid?.(), 0, 'the rights are back');
  });

  test('that are pipes, folders or too large are not read', (t) => {
    const folder = scratchFolder(t);
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    mkdirSync(join(folder, 'folder'));
    writeFileSync(join(folder, 'large'), 'x'.repeat(101));
    const { uid = 0, gid = 0 } = { uid: process.geteuid?.(), gid: process.getegid?.() };
    const home = createHomeFolder(folder, { name: 'me', uid, gid });
    for (const path of ['pipe', 'folder', 'large', 'absent']) assert.equal(home.read(path, 100), undefined, path);
  });
});
