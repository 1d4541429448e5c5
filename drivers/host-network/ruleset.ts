/**
 * The firewall, as text for nft. One table for an instance:
 *
 * - from a sandbox's link only its own address passes, and only to the gateway's port, or as the answer to a
 *   connection that the host opened. Decided before any address translation of the host's own.
 * - nothing is forwarded from or to a link.
 * - of the host's own programs only root's and the callers' may open a connection to a sandbox.
 * - the gateway's address answers to links and to the host itself, to nobody else.
 */

import type { Endpoint } from '@polydev/protocol';
import { linkPrefix, tableName } from './names.ts';

export interface Member {
  link: string;
  address: string;
}

const set = 'sandboxes';

export interface NetworkOptions {
  instance: string;
  gateway: Endpoint;
  /** The group whose programs may call the agents, beside root's. */
  callers: number | undefined;
}

/** Replaces the whole table, as one transaction. */
export function tableText({ instance, gateway, callers }: NetworkOptions, members: readonly Member[]): string {
  const table = `inet ${tableName(instance)}`;
  const links = `"${linkPrefix(instance)}*"`;
  const elements = members.length > 0 ? `\n    elements = { ${members.map(element).join(', ')} }` : '';
  return `add table ${table}
delete table ${table}
table ${table} {
  set ${set} {
    type ifname . ipv4_addr${elements}
  }
  chain arriving {
    type filter hook prerouting priority mangle; policy accept;
    iifname ${links} goto from_sandbox
    iifname != "lo" ip daddr ${gateway.host} drop
  }
  chain from_sandbox {
    iifname . ip saddr @${set} ip daddr ${gateway.host} tcp dport ${gateway.port} accept
    iifname . ip saddr @${set} ip daddr ${gateway.host} meta l4proto tcp ct state established ct direction reply accept
    drop
  }
  chain passing {
    type filter hook forward priority mangle; policy accept;
    iifname ${links} drop
    oifname ${links} drop
  }
  chain leaving {
    type filter hook output priority filter; policy accept;
    oifname ${links} goto to_sandbox
  }
  chain to_sandbox {
    ct state established accept
    meta skuid 0 accept${callers === undefined ? '' : `\n    meta skgid ${callers} accept`}
    meta l4proto tcp reject with tcp reset
    drop
  }
}
`;
}

/** Arguments for nft, so that an orphaned one can be found by the name of its link. */
export function addMember(instance: string, member: Member): string {
  return `add element inet ${tableName(instance)} ${set} { ${element(member)} }`;
}

export function removeMember(instance: string, member: Member): string {
  return `delete element inet ${tableName(instance)} ${set} { ${element(member)} }`;
}

export function getMember(instance: string, member: Member): string {
  return `get element inet ${tableName(instance)} ${set} { ${element(member)} }`;
}

function element(member: Member): string {
  return `"${member.link}" . ${member.address}`;
}
