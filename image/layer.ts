/** The quick layer: settings, units and the agent over the slow one. */

import {
  chmodSync,
  copyFileSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { idShift, PolydevError } from '@polydev/protocol';
import { runCommand, tail } from './host-command.ts';
import { devId, shiftOwners } from './owners.ts';
import { isExecutable, type Recipe } from './recipe.ts';

export async function buildLayer(recipe: Recipe, base: string, rootfs: string, agent: Uint8Array): Promise<void> {
  // Hard links: a rebuild takes a second and no disk. Nothing below writes into a file in place, and drivers mount
  // images read-only.
  await command(['cp', '--archive', '--link', join(base, 'rootfs'), rootfs]);
  copyOver(join(recipe.dir, 'files'), rootfs);
  put(rootfs, 'usr/lib/polydev/agent.mjs', agent);
  put(rootfs, 'etc/machine-id', '');
  for (const unit of recipe.units.mask) link(rootfs, join('etc/systemd/system', unit), '/dev/null');
  await command(['chroot', rootfs, 'systemctl', 'enable', '--quiet', ...recipe.units.enable]);
  // A place in which anyone may write and that is not on tmpfs would put a person's data on a host disk.
  link(rootfs, 'var/tmp', '/tmp');
  mkdirSync(join(rootfs, 'etc/polydev'), { recursive: true });
  shiftOwners(rootfs);
  ownBy(join(rootfs, 'usr/share/polydev/skel'), idShift + devId);
}

/** Files replace what stands there; they never write through a link or into a shared file. */
function copyOver(from: string, to: string): void {
  for (const name of readdirSync(from)) {
    const source = join(from, name);
    const target = join(to, name);
    const stat = lstatSync(source);
    if (stat.isDirectory()) {
      mkdirSync(target, { recursive: true });
      copyOver(source, target);
      continue;
    }
    rmSync(target, { recursive: true, force: true });
    if (stat.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
    else {
      copyFileSync(source, target);
      chmodSync(target, isExecutable(stat.mode) ? 0o755 : 0o644);
    }
  }
}

function put(rootfs: string, path: string, content: string | Uint8Array): void {
  const target = join(rootfs, path);
  rmSync(target, { force: true });
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, content, { mode: 0o644 });
}

function link(rootfs: string, path: string, to: string): void {
  rmSync(join(rootfs, path), { recursive: true, force: true });
  symlinkSync(to, join(rootfs, path));
}

function ownBy(root: string, id: number): void {
  lchownSync(root, id, id);
  if (lstatSync(root).isDirectory()) for (const name of readdirSync(root)) ownBy(join(root, name), id);
}

async function command(argv: string[]): Promise<void> {
  const result = await runCommand(argv);
  if (result.code === 0) return;
  const said = tail(result);
  if (/No space left/.test(said)) throw new PolydevError('disk_full', 'The disk filled up while the image was made.');
  throw new PolydevError('image_broken', `${argv[0]} failed: ${said}`);
}
