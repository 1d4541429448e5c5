/** What must not be there: leftovers of sandboxes on the host, and secrets outside the vault. */

import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { linkPrefix, tableName } from '@polydev/drivers/host-network/names';
import type { HostPaths } from '../setup/paths.ts';

const run = promisify(execFile);
/** What a sign-in could write is smaller. */
const maxSearchedBytes = 256 * 1024 * 1024;

/** One line for each process, mount, link, address, cgroup, firewall table, folder and journal entry that a stopped product left. */
export async function findLeftovers(paths: HostPaths): Promise<string[]> {
  const found: string[] = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const command = readText(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
    if (command === '') continue; // It has ended, and its parent has yet to hear of it.
    const groups = readText(`/proc/${pid}/cgroup`);
    if (
      command.includes(paths.home) ||
      command.includes(`${paths.run}/`) ||
      groups.includes(`polydev-${paths.instance}`)
    ) {
      if (Number(pid) !== process.pid) found.push(`process ${pid}: ${command.slice(0, 120)}`);
    }
  }
  for (const line of readText('/proc/mounts').split('\n'))
    if (line.includes(`${paths.run}/`)) found.push(`mount ${line}`);
  const present = JSON.parse((await run('ip', ['-json', 'address'])).stdout) as Link[];
  for (const { ifname, addr_info } of present) {
    if (ifname.startsWith(linkPrefix(paths.instance))) found.push(`link ${ifname}`);
    if (addr_info.some(({ local }) => local === paths.gatewayAddress)) found.push(`address ${paths.gatewayAddress}`);
  }
  const tables = (await run('nft', ['list', 'tables'])).stdout.split('\n');
  if (tables.some((line) => line.endsWith(` ${tableName(paths.instance)}`))) found.push('firewall table');
  const named = ['-type', 'd', '-path', `*polydev-${paths.instance}*`];
  // Others remove theirs meanwhile, which it may say, and ends with 1.
  const groups = await run('find', ['/sys/fs/cgroup', '-ignore_readdir_race', ...named]).catch((error) => {
    if (error.code === 1) return error as { stdout: string };
    throw error;
  });
  for (const group of groups.stdout.split('\n').filter(Boolean)) found.push(`cgroup ${group}`);
  if (existsSync(paths.run)) found.push(`folder ${paths.run}`);
  for (const entry of readdirSync(paths.journal)) found.push(`journal ${entry}`);
  return found;
}

interface Link {
  ifname: string;
  addr_info: { local?: string }[];
}

/** Each file of this machine's disk, changed since the mark, that holds a secret: plainly, in base64 or URL-encoded. */
export async function findSecretsOnDisk(mark: string, secrets: readonly string[]): Promise<string[]> {
  const needles = secrets.flatMap((secret) => [
    { secret, bytes: Buffer.from(secret) },
    // The last characters of base64 depend on what follows.
    { secret, bytes: Buffer.from(Buffer.from(secret).toString('base64').replace(/=+$/, '').slice(0, -2)) },
    { secret, bytes: Buffer.from(encodeURIComponent(secret)) },
  ]);
  const found: string[] = [];
  for (const file of await filesChangedSince(mark)) {
    const content = readBytes(file);
    for (const { secret, bytes } of needles) {
      if (content.includes(bytes)) found.push(`${file} holds ${secret.slice(0, 8)}…`);
    }
  }
  return found;
}

/** Without the test's own browser, where a person's typing may be remembered: that is their machine, not the server. */
async function filesChangedSince(mark: string): Promise<string[]> {
  const size = ['-size', `-${maxSearchedBytes}c`];
  const find = ['/', '-xdev', '-name', 'playwright*', '-prune', '-o', '-type', 'f', '-newer', mark, ...size, '-print0'];
  const { stdout } = await run('find', find, { maxBuffer: 64 * 1024 * 1024 }).catch((error) => error);
  return String(stdout).split('\0').filter(Boolean);
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0); // It went while we looked.
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // It ended while we looked.
  }
}
