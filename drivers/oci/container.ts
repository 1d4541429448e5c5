/**
 * The container itself. conmon starts runc, holds the console's terminal, writes what comes out of it to a file, and
 * does so whether or not this process lives on.
 */

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { SandboxId } from '@polydev/protocol';
import { run, runUntilReply } from '../exec.ts';
import { findProcesses, killProcesses } from '../processes.ts';
import type { Resource } from '../resources.ts';
import type { OciConfig } from './bundle.ts';
import { type CgroupLayout, chargeTo, delegate } from './cgroup-layout.ts';
import { consoleMaxBytes } from './console.ts';
import { limitSandbox } from './file-watchers.ts';
import type { Places } from './places.ts';

/** `runc create` takes some 60 ms; a host out of breath takes longer. */
const createMs = 20_000;
const helperEndMs = 3_000;

export interface Programs {
  runc: string;
  conmon: string;
}

export function containerOf(
  id: SandboxId,
  places: Places,
  config: OciConfig,
  programs: Programs,
  cgroups: CgroupLayout,
): Resource {
  // Whoever could still make something of this sandbox. Its own processes cannot, and end with its cgroup.
  const helpers = {
    programs: [basename(programs.conmon), basename(programs.runc), 'mount', 'umount'],
    argument: places.folder,
  };
  return {
    name: `container ${id}`,
    async acquire() {
      await mkdir(places.bundle, { mode: 0o700 });
      await writeFile(join(places.bundle, 'config.json'), JSON.stringify(config), { mode: 0o600 });
      const reply = await runUntilReply(
        [
          programs.conmon,
          ...['--api-version', '1', '--cid', id, '--cuuid', id],
          ...['--runtime', programs.runc, `--runtime-arg=--root=${places.runcState}`],
          ...[
            '--bundle',
            places.bundle,
            '--container-pidfile',
            places.pidFile,
            '--conmon-pidfile',
            places.conmonPidFile,
          ],
          ...['--log-path', `k8s-file:${places.consoleLog}`, '--log-size-max', String(consoleMaxBytes)],
          ...['--socket-dir-path', places.bundle, '--no-sync-log', '--terminal'],
        ],
        // There it leaves a note when memory runs out.
        { variable: '_OCI_SYNCPIPE', deadlineMs: createMs, cwd: places.bundle },
      );
      const { data, message } = JSON.parse(reply) as { data: number; message?: string };
      if (data <= 0) throw new Error(`runc: ${message ?? `status ${data}`}`);
      await delegate(cgroups, config.linux.cgroupsPath);
      await chargeTo(cgroups, config.linux.cgroupsPath, await pidIn(places.conmonPidFile));
      await limitSandbox(data);
    },
    async release() {
      const left = await killProcesses(helpers, helperEndMs);
      if (left.length > 0) throw new Error(`processes ${left.join(', ')} did not end`);
    },
    async remains() {
      return (await findProcesses(helpers)).map((pid) => `process ${pid}`);
    },
  };
}

/** The sandbox's first process, as the host counts. */
export function firstPid(places: Places): Promise<number> {
  return pidIn(places.pidFile);
}

async function pidIn(file: string): Promise<number> {
  return Number(await readFile(file, 'utf8'));
}

export async function startContainer(id: SandboxId, places: Places, programs: Programs): Promise<void> {
  await run([programs.runc, '--root', places.runcState, 'start', id], { deadlineMs: createMs });
}
