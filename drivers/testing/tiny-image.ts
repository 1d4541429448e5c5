/**
 * A small image that boots as the golden one does, for tests that are about drivers and not about desktops. Built
 * once for each recipe, in some twenty seconds, from the host's own package sources.
 */

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, copyFile, lchown, lstat, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { idShift } from '@polydev/protocol';
import { run } from '../exec.ts';

const buildMs = 5 * 60_000;
const packages = ['systemd', 'systemd-sysv', 'iproute2', 'procps'];

/** Listens like the agent and answers every request with 200. */
const agent = `import { createServer } from 'node:http';
import { writeFileSync } from 'node:fs';
createServer((_, answer) => answer.end('tiny')).listen(8080, () => writeFileSync('/dev/console', 'polydev-agent ready\\n'));
`;

const agentUnit = `[Unit]
Description=Tiny agent
[Service]
ExecStart=/usr/local/bin/node /usr/lib/polydev/agent.mjs
Restart=on-failure
`;

const targetUnit = `[Unit]
Description=Tiny target
Requires=basic.target
Wants=polydev-agent.service
After=basic.target
AllowIsolate=yes
`;

const files: Record<string, string> = {
  '/usr/lib/polydev/agent.mjs': agent,
  '/etc/systemd/system/polydev-agent.service': agentUnit,
  '/etc/systemd/system/polydev-desktop.target': targetUnit,
  '/etc/systemd/system/polydev-headless.target': targetUnit,
  '/etc/machine-id': '',
  // Otherwise systemd allows each unit 15 % of the processes that the sandbox may have.
  '/etc/systemd/system.conf.d/polydev.conf': '[Manager]\nDefaultTasksMax=infinity\n',
};

export interface TestImage {
  /** The folder that holds images. */
  images: string;
  image: string;
}

/** The tiny image in the cache folder; builds it when it is not there. */
export async function tinyImage(cache: string): Promise<TestImage> {
  const recipe = JSON.stringify({ packages, files, node: process.version, idShift });
  const image = createHash('sha256').update(recipe).digest('hex').slice(0, 16);
  const folder = join(cache, image);
  if (!existsSync(folder)) await build(folder);
  return { images: cache, image };
}

async function build(folder: string): Promise<void> {
  const draft = `${folder}.${process.pid}.new`;
  const rootfs = join(draft, 'rootfs');
  await mkdir(dirname(folder), { recursive: true, mode: 0o700 });
  await mkdir(draft, { mode: 0o700 });
  try {
    await run(
      [
        ...['mmdebstrap', '--variant=apt', '--mode=root', `--include=${packages.join(',')}`],
        '--aptopt=APT::Install-Recommends "false"',
        ...['/usr/share/doc/*', '/usr/share/man/*', '/usr/share/locale/*'].map(
          (path) => `--dpkgopt=path-exclude=${path}`,
        ),
        ...[await hostSuite(), rootfs],
        ...(await hostSources()),
      ],
      { deadlineMs: buildMs },
    );
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(rootfs, path)), { recursive: true });
      await writeFile(join(rootfs, path), text);
    }
    await copyFile(process.execPath, join(rootfs, 'usr/local/bin/node'));
    await chmod(join(rootfs, 'usr/local/bin/node'), 0o755);
    await shiftOwners(rootfs);
    await rename(draft, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error; // another test run was faster
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function hostSuite(): Promise<string> {
  return /^VERSION_CODENAME=(\w+)$/m.exec(await readFile('/etc/os-release', 'utf8'))?.[1] ?? 'stable';
}

async function hostSources(): Promise<string[]> {
  const candidates = ['/etc/apt/sources.list', '/etc/apt/sources.list.d/debian.sources'];
  return candidates.filter((file) => existsSync(file));
}

async function shiftOwners(path: string): Promise<void> {
  const stat = await lstat(path);
  await lchown(path, stat.uid + idShift, stat.gid + idShift);
  if (stat.isSymbolicLink()) return;
  if (stat.mode & 0o6000) await chmod(path, stat.mode & 0o7777); // chown takes these bits away
  if (!stat.isDirectory()) return;
  for (const name of await readdir(path)) await shiftOwners(join(path, name));
}
