/** Where a sandbox's things are on this host. Everything in `folder` is on the sandbox's own tmpfs. */

import { join } from 'node:path';
import type { SandboxId } from '@polydev/protocol';

export interface OciOptions {
  /** Keeps instances on one host apart. */
  instance: string;
  /** Sandboxes' tmpfs are mounted below. Must be on no disk. */
  runDir: string;
  /** Golden images by hash. */
  images: string;
}

export interface Places {
  folder: string;
  upper: string;
  work: string;
  rootfs: string;
  /** Config of runc, and what conmon puts beside it. */
  bundle: string;
  runcState: string;
  /** Written by conmon: the first process of the sandbox, as the host counts. */
  pidFile: string;
  conmonPidFile: string;
  consoleLog: string;
  /** Stands there once the agent has listened. */
  readyMark: string;
}

export function placesOf(options: OciOptions, id: SandboxId): Places {
  const folder = join(options.runDir, id);
  return {
    folder,
    upper: join(folder, 'upper'),
    work: join(folder, 'work'),
    rootfs: join(folder, 'rootfs'),
    bundle: join(folder, 'bundle'),
    runcState: join(folder, 'runc'),
    pidFile: join(folder, 'bundle', 'pid'),
    conmonPidFile: join(folder, 'bundle', 'conmon.pid'),
    consoleLog: join(folder, 'bundle', 'console.log'),
    readyMark: join(folder, 'ready'),
  };
}

export function imageRootfs(options: OciOptions, image: string): string {
  return join(options.images, image, 'rootfs');
}
