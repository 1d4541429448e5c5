/** Everything the agent is told from outside: boot facts, the image's conventions, the profile that systemd booted. */

import { readFileSync } from 'node:fs';
import { agentPort, type Endpoint, type Profile } from '@polydev/protocol';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import type { Owner } from './home/owner.ts';
import manifest from './package.json' with { type: 'json' };

export interface AgentConfig {
  version: string;
  profile: Profile;
  token: string;
  /** Where the controller reaches the agent. */
  listen: Endpoint;
  /** Where programs in the sandbox find their proxy. */
  proxy: Endpoint;
  owner: Owner;
  home: string;
  /** Where tools run, relative to the home folder. */
  workFolder: string;
  /** Environment of every program. */
  environment: Record<string, string>;
  /** What the agent says to others in the sandbox is in here. */
  runFolder: string;
  /** PEM of all certificates that the system trusts. */
  systemRoots: string;
  zoneFolder: string;
  localTime: string;
  display: { name: string; socket: string };
  /** Where Linux keeps them. */
  terminals: string;
  journalctl: string;
  /** Where the driver reads that the agent is ready. */
  console: string;
}

const BootFacts = Type.Object({ v: Type.Literal(1), token: Type.String({ minLength: 32, maxLength: 128 }) });

export function readConfig(): AgentConfig {
  const boot: unknown = JSON.parse(readFileSync('/etc/polydev/boot.json', 'utf8'));
  if (!Value.Check(BootFacts, boot)) throw new Error('/etc/polydev/boot.json does not hold {v: 1, token}');
  return {
    version: manifest.version,
    profile: profileOf(readFileSync('/proc/1/cmdline', 'utf8'), readFileSync('/proc/cmdline', 'utf8')),
    token: boot.token,
    listen: { host: '0.0.0.0', port: agentPort },
    proxy: { host: '127.0.0.1', port: 3128 },
    owner: { name: 'dev', uid: 1000, gid: 1000 },
    home: '/home/dev',
    workFolder: 'work',
    environment: parseEnvironment(readFileSync('/etc/environment', 'utf8')),
    runFolder: '/run/polydev',
    systemRoots: '/etc/ssl/certs/ca-certificates.crt',
    zoneFolder: '/usr/share/zoneinfo',
    localTime: '/etc/localtime',
    display: { name: ':1', socket: '/run/polydev-x/rfb.sock' },
    terminals: '/dev/pts',
    journalctl: '/usr/bin/journalctl',
    console: '/dev/console',
  };
}

/** A container names the target to systemd, a virtual machine to the kernel. */
export function profileOf(...commandLines: string[]): Profile {
  return commandLines.some((line) => line.includes('polydev-desktop.target')) ? 'desktop' : 'headless';
}

/** `NAME=value` lines, the value perhaps in quotes. */
export function parseEnvironment(text: string): Record<string, string> {
  const pairs = text.matchAll(/^\s*([A-Za-z_]\w*)=(.*?)\s*$/gm);
  return Object.fromEntries([...pairs].map(([, name, value]) => [name, value?.replace(/^(["'])(.*)\1$/, '$2') ?? '']));
}
