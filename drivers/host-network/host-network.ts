/**
 * The network between this host and its sandboxes: one point-to-point link each, one address to reach, and a
 * firewall that proves who is calling. Any driver whose sandboxes live on this host can use it.
 */

import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { type Endpoint, PolydevError, type SandboxId } from '@polydev/protocol';
import { ExecError, run } from '../exec.ts';
import type { Resource } from '../resources.ts';
import { type AddressPool, createAddressPool } from './addresses.ts';
import { linkName, tableName } from './names.ts';
import { addMember, getMember, type Member, type NetworkOptions, removeMember, tableText } from './ruleset.ts';

export interface HostNetwork {
  readonly gateway: Endpoint;
  readonly addresses: AddressPool;
  /** The gateway's address and the firewall, with the sandboxes that are already there. */
  open(survivors: { id: SandboxId; address: string }[]): Promise<void>;
  /** Takes both away. */
  close(): Promise<void>;
  /** The link of one sandbox into the network namespace of the process that `pid` names. */
  link(id: SandboxId, address: string, pid: () => Promise<number>): Resource;
}

/** Both ends are alone on their link, so their hardware addresses need not differ between links. */
const hostMac = '02:70:64:00:00:01';
const guestMac = '02:70:64:00:00:02';
const guestEnd = 'eth0';

export function createHostNetwork(options: NetworkOptions): HostNetwork {
  const { instance, gateway } = options;
  const addresses = createAddressPool(gateway.host);

  return {
    gateway,
    addresses,

    async open(survivors) {
      if (!(await hasTable(instance)) && (await isHere(gateway.host)))
        throw new PolydevError(
          'host_lacks',
          `Another Polydev on this host uses the addresses ${addresses.block}; a data folder of another name has others.`,
        );
      const members = survivors.map(({ id, address }) => ({ link: linkName(instance, id), address }));
      // The table first: who finds the address without a table of its own knows that it is somebody else's.
      await run(['nft', '-f', '-'], { input: tableText(options, members) });
      await ip([
        `address replace ${gateway.host}/32 dev lo`,
        // Whoever calls a sandbox that is no more must not be led out of the host, token in hand.
        `route replace unreachable ${addresses.block}`,
      ]);
    },

    async close() {
      const table = tableName(instance);
      await unlessAbsent(run(['ip', 'route', 'delete', 'unreachable', addresses.block]));
      await unlessAbsent(run(['ip', 'address', 'delete', `${gateway.host}/32`, 'dev', 'lo']));
      await run(['nft', '-f', '-'], { input: `add table inet ${table}\ndelete table inet ${table}\n` });
    },

    link(id, address, pid) {
      const link = linkName(instance, id);
      const member: Member = { link, address };
      return {
        name: `link ${link}`,
        async acquire() {
          const guest = await pid();
          await ip([
            `link add ${link} address ${hostMac} type veth peer name ${guestEnd} address ${guestMac} netns ${guest}`,
          ]);
          await withoutIpv6(link);
          await Promise.all([
            ip([
              `link set ${link} arp off up`,
              `neighbour replace ${address} lladdr ${guestMac} dev ${link} nud permanent`,
              `route replace ${address}/32 dev ${link} scope link src ${gateway.host}`,
            ]),
            ip(
              [
                'link set lo up',
                `link set ${guestEnd} up`,
                `address add ${address}/32 dev ${guestEnd}`,
                `neighbour replace ${gateway.host} lladdr ${hostMac} dev ${guestEnd} nud permanent`,
                `route replace ${gateway.host}/32 dev ${guestEnd} scope link src ${address}`,
              ],
              ['nsenter', `--net=/proc/${guest}/ns/net`],
            ),
            run(['nft', addMember(instance, member)]),
          ]);
        },
        async release() {
          await Promise.all([
            unlessAbsent(run(['ip', 'link', 'delete', link])),
            unlessAbsent(run(['nft', removeMember(instance, member)])),
          ]);
        },
        async remains() {
          const element = await run(['nft', getMember(instance, member)], { allow: [1] });
          return [
            ...(existsSync(`/sys/class/net/${link}`) ? [`link ${link}`] : []),
            ...(element.code === 0 ? [`firewall entry of ${link}`] : []),
          ];
        },
      };
    },
  };
}

async function ip(lines: readonly string[], within: readonly string[] = []): Promise<void> {
  await run([...within, 'ip', '-batch', '-'], { input: `${lines.join('\n')}\n` });
}

async function withoutIpv6(link: string): Promise<void> {
  const setting = `/proc/sys/net/ipv6/conf/${link}/disable_ipv6`;
  if (existsSync(setting)) await writeFile(setting, '1');
}

/** What ip and nft say of a thing that is not there. */
const absence = /Cannot find device|No such (file|process)|not found|Cannot assign requested address/;

/** Awaits a removal for which "it is not there" is a good end. */
async function unlessAbsent(removal: Promise<unknown>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    if (!(error instanceof ExecError && absence.test(error.stderr))) throw error;
  }
}

async function hasTable(instance: string): Promise<boolean> {
  const { stdout } = await run(['nft', 'list', 'tables']);
  return stdout.split('\n').some((line) => line.endsWith(` ${tableName(instance)}`));
}

async function isHere(address: string): Promise<boolean> {
  const { stdout } = await run(['ip', '-json', 'address', 'show', 'dev', 'lo']);
  const [device] = JSON.parse(stdout) as { addr_info: { local?: string }[] }[];
  return device?.addr_info.some(({ local }) => local === address) ?? false;
}
