/** The real driver, as the contract suite takes it: an instance of its own, on the host's own kernel. */

import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { type Endpoint, newId } from '@polydev/protocol';
import { run } from '../../exec.ts';
import { createHostNetwork } from '../../host-network/host-network.ts';
import { linkPrefix, tableName } from '../../host-network/names.ts';
import { createJournal } from '../../journal.ts';
import { mountsUnder, readMounts } from '../../mounts.ts';
import { findProcesses } from '../../processes.ts';
import type { OpenSubject } from '../../testing/contract.ts';
import type { TestImage } from '../../testing/tiny-image.ts';
import { killAll } from '../cgroup.ts';
import { detectCgroups, groupFolders, groupPath } from '../cgroup-layout.ts';
import { createOciDriver } from '../driver.ts';

export interface OciPlace extends TestImage {
  instance: string;
  gateway: Endpoint;
  /** On a disk. */
  folder: string;
  runDir: string;
}

/** A group of nobody's, whose programs may call the sandboxes of tests. */
export const callers = 65_533;

export const openSubject: OpenSubject<OciPlace> = async (place, onStep) => {
  const { instance, gateway, images, image, runDir } = place;
  const journal = createJournal(join(place.folder, 'journal'));
  const network = createHostNetwork({ instance, gateway, callers });
  const driver = await createOciDriver({ instance, runDir, images }, { journal, network, onStep });
  const cgroups = detectCgroups(await readMounts());
  if (!cgroups) throw new Error('no control groups');
  return {
    driver,
    spec: () => ({
      id: newId('sandbox'),
      profile: 'headless',
      image,
      token: 'a'.repeat(32),
      limits: { memoryMiB: 1024, cpus: 1, processes: 256, diskMiB: 256, homeMiB: 128 },
    }),
    kill: (id) => killAll(cgroups, groupPath(instance, id)),
    async leftovers() {
      const groups = groupFolders(cgroups, groupPath(instance)).filter((folder) => existsSync(folder));
      const belowGroups = await Promise.all(groups.map(async (folder) => foldersIn(folder)));
      const links = (await readdir('/sys/class/net')).filter((name) => name.startsWith(linkPrefix(instance)));
      const helpers = await findProcesses({ programs: ['conmon', 'runc', 'mount', 'umount'], argument: runDir });
      const table = await run(['nft', 'list', 'table', 'inet', tableName(instance)], { allow: [1] });
      return [
        ...(await journal.read()).records.map(({ id }) => `journal ${id}`),
        ...(await mountsUnder(runDir)).map((target) => `mount ${target}`),
        ...(existsSync(runDir) ? await readdir(runDir) : []).map((name) => `folder ${name}`),
        ...belowGroups.flat().map((folder) => `cgroup ${folder}`),
        ...links.map((link) => `link ${link}`),
        ...helpers.map((pid) => `process ${pid}`),
        ...[...table.stdout.matchAll(/elements = .*/g)].map(([line]) => line),
      ];
    },
  };
};

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name));
}

/** What an instance holds as long as it is open, and nothing after. */
export async function holdings(place: OciPlace): Promise<string[]> {
  const cgroups = detectCgroups(await readMounts());
  const table = await run(['nft', 'list', 'table', 'inet', tableName(place.instance)], { allow: [1] });
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list?.map(({ address }) => address) ?? []);
  return [
    ...(cgroups ? groupFolders(cgroups, groupPath(place.instance)).filter((folder) => existsSync(folder)) : []),
    ...(table.code === 0 ? [`table ${tableName(place.instance)}`] : []),
    ...addresses.filter((address) => address === place.gateway.host),
  ];
}
