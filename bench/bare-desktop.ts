/** The yardstick: the same image started by runc alone. No hostd, no network, no agent in between, no relay. */

import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, rmdir, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { run } from '@polydev/drivers/exec';
import { mount, unmountAll } from '@polydev/drivers/mounts';
import { configOf } from '@polydev/drivers/oci/bundle';
import { cgroupOf } from '@polydev/drivers/oci/cgroup';
import { delegate, groupFolders, groupPath } from '@polydev/drivers/oci/cgroup-layout';
import { findHost } from '@polydev/drivers/oci/host';
import { placesOf } from '@polydev/drivers/oci/places';
import { rootfsOf } from '@polydev/drivers/oci/storage';
import type { Image } from '@polydev/image/store';
import { newId, type SandboxSpec } from '@polydev/protocol';

const instance = 'bench';
/** Between two looks whether the display's socket is there; small beside what is measured. */
const lookAgainMs = 5;

export interface BareDesktop {
  /** The display's RFB stream. */
  stream: Socket;
  destroy(): Promise<void>;
}

/** Resolves when the display takes connections. */
export async function startBareDesktop(image: Image, limits: SandboxSpec['limits']): Promise<BareDesktop> {
  const spec: SandboxSpec = {
    id: newId('sandbox'),
    profile: 'desktop',
    image: image.hash,
    token: 'x'.repeat(32),
    limits,
  };
  const { traits, programs } = await findHost();
  if (!traits) throw new Error('This host has no control groups that sandboxes can use.');
  const runDir = await mkdtemp('/run/polydev-bench-');
  const places = placesOf({ instance, runDir, images: '' }, spec.id);
  const rootfs = rootfsOf(places, image.rootfs);
  const config = configOf(spec, places.rootfs, instance, traits);
  const group = cgroupOf(traits.cgroups, config.linux.cgroupsPath);

  await mount('tmpfs', 'bench', runDir, []);
  await mkdir(places.bundle, { recursive: true });
  await rootfs.acquire(spec);
  config.process.terminal = false;
  await writeFile(join(places.bundle, 'config.json'), JSON.stringify(config));

  const runc = [programs.runc, '--root', places.runcState];
  const pidFile = ['--pid-file', places.pidFile];
  await runDetached([...runc, 'create', '--bundle', places.bundle, ...pidFile, spec.id]);
  await delegate(traits.cgroups, config.linux.cgroupsPath);
  await run([...runc, 'start', spec.id]);
  const pid = (await run(['cat', places.pidFile])).stdout;

  return {
    stream: await connectWhenThere(`/proc/${pid}/root/run/polydev-x/rfb.sock`),
    async destroy() {
      await group.release();
      for (const folder of groupFolders(traits.cgroups, groupPath(instance)))
        await rmdir(folder).catch(() => undefined);
      await unmountAll(runDir);
      await rm(runDir, { recursive: true, force: true });
    },
  };
}

/** The container inherits stdio, so it must not be a pipe that somebody waits on. */
function runDetached([program = '', ...args]: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'ignore' });
    child.on('error', reject);
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${program} ended with ${code}`))));
  });
}

async function connectWhenThere(path: string): Promise<Socket> {
  for (;;) {
    const socket = await new Promise<Socket | undefined>((resolve) => {
      const attempt = connect(path);
      attempt.once('connect', () => resolve(attempt));
      attempt.once('error', () => resolve(undefined));
    });
    if (socket) return socket;
    await new Promise((resolve) => setTimeout(resolve, lookAgainMs));
  }
}
