/** The default driver: runc, overlay, a user namespace, systemd as the first process. */

import { existsSync } from 'node:fs';
import { rmdir, writeFile } from 'node:fs/promises';
import { agentPort, PolydevError, type SandboxId } from '@polydev/protocol';
import type { LocalDriver } from '../contract.ts';
import type { HostNetwork } from '../host-network/host-network.ts';
import type { Journal } from '../journal.ts';
import type { Kind } from '../kind.ts';
import { createLifecycle } from '../lifecycle.ts';
import type { StepListener } from '../resources.ts';
import { configOf } from './bundle.ts';
import { cgroupOf } from './cgroup.ts';
import { isFrozen, isPopulated, setFrozen, watchEmpty } from './cgroup-events.ts';
import { giveWay, groupFolders, groupPath } from './cgroup-layout.ts';
import { agentReady, readConsole } from './console.ts';
import { containerOf, firstPid, startContainer } from './container.ts';
import { findHost, freeMemory } from './host.ts';
import { imageRootfs, type OciOptions, placesOf } from './places.ts';
import { preflight } from './preflight.ts';
import { rootfsOf, storageOf } from './storage.ts';

export interface OciDeps {
  journal: Journal;
  network: HostNetwork;
  onStep?: StepListener;
}

export async function createOciDriver(options: OciOptions, deps: OciDeps): Promise<LocalDriver> {
  const { network } = deps;
  const host = await findHost();
  const cgroups = () => {
    if (!host.traits) throw new PolydevError('host_lacks', 'This host has no control groups that sandboxes can use.');
    return host.traits.cgroups;
  };
  const pathOf = (id: SandboxId) => groupPath(options.instance, id);

  const kind: Kind = {
    name: 'oci',
    async check(spec) {
      cgroups();
      if (!existsSync(imageRootfs(options, spec.image)))
        throw new PolydevError('image_missing', 'The image of the sandbox is not on this host.', {
          details: { image: spec.image },
        });
    },
    reserve() {
      const source = network.addresses.reserve();
      return { agent: { host: source, port: agentPort }, egress: network.gateway, source };
    },
    take: (record) => network.addresses.take(record.address.source),
    free: (record) => network.addresses.free(record.address.source),

    resources(record) {
      const { id, address } = record;
      const places = placesOf(options, id);
      const traits = host.traits;
      if (!traits) return [];
      const config = configOf(record, places.rootfs, options.instance, traits);
      return [
        storageOf(places),
        rootfsOf(places, imageRootfs(options, record.image)),
        cgroupOf(traits.cgroups, pathOf(id)),
        containerOf(id, places, config, host.programs, traits.cgroups),
        network.link(id, address.source, () => firstPid(places)),
      ];
    },
    start: ({ id }) => startContainer(id, placesOf(options, id), host.programs),
    async ready({ id }, signal) {
      const places = placesOf(options, id);
      await agentReady(places.consoleLog, signal);
      await writeFile(places.readyMark, '');
    },
    watch: ({ id }, onDeath) => watchEmpty(cgroups(), pathOf(id), onDeath),
    paused: ({ id }) => isFrozen(cgroups(), pathOf(id)),
    console: ({ id }) => readConsole(placesOf(options, id).consoleLog),
    survived: async ({ id }) =>
      existsSync(placesOf(options, id).readyMark) && (await isPopulated(cgroups(), pathOf(id))),

    async open(survivors) {
      await network.open(survivors.map(({ id, address }) => ({ id, address: address.source })));
      if (host.traits) await giveWay(host.traits.cgroups, options.instance);
    },
    async close({ survivors }) {
      if (survivors) return;
      await network.close();
      for (const folder of groupFolders(cgroups(), groupPath(options.instance)))
        if (existsSync(folder)) await rmdir(folder);
    },
  };

  const lifecycle = createLifecycle(kind, deps);
  const freeze = async (id: SandboxId, frozen: boolean) => setFrozen(cgroups(), pathOf(lifecycle.live(id).id), frozen);
  const unsupported = () =>
    Promise.reject(new PolydevError('unsupported', 'A container cannot be turned into a snapshot.'));

  return {
    ...lifecycle,
    name: kind.name,
    preflight: () => preflight(host),
    features: async () => ({ isolation: 'container', pause: true, snapshot: false, hibernate: false }),
    memory: freeMemory,
    address: async (id) => lifecycle.live(id).address,
    pause: (id) => freeze(id, true),
    resume: (id) => freeze(id, false),
    snapshot: unsupported,
    restore: unsupported,
  };
}
