/** The slow layer: Debian by mmdebstrap, the tools by npm, trimmed, owners shifted. */

import { lchownSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { idShift, PolydevError } from '@polydev/protocol';
import { type CommandResult, runCommand, tail } from './host-command.ts';
import { devId, dropSetuid, ownByRoot, shiftOwners } from './owners.ts';
import type { OnProgress } from './progress.ts';
import type { Recipe } from './recipe.ts';
import { hostSources, mirrorSources } from './sources.ts';
import { installTools, removeMatches } from './tools.ts';

/** Also named by NODE_COMPILE_CACHE in /etc/environment. */
const compileCachePath = 'opt/tools/compile-cache';

export interface BaseOptions {
  /** Address of a Debian archive to use instead of the host's apt sources. */
  mirror: string | undefined;
  onProgress: OnProgress;
  /** The build lock, for programs that may outlive us. */
  lock: number;
}

/** Fills `<dir>/rootfs`; `dir` exists and is empty. */
export async function buildBase(recipe: Recipe, dir: string, options: BaseOptions): Promise<void> {
  const rootfs = join(dir, 'rootfs');
  await installDebian(recipe, dir, rootfs, options);
  options.onProgress({ step: 'tools' });
  await installTools(recipe, rootfs, options.lock);
  await inChroot(rootfs, [
    'useradd',
    `--uid=${devId}`,
    '--user-group',
    '--home-dir=/home/dev',
    '--shell=/bin/bash',
    'dev',
  ]);
  removeMatches(rootfs, recipe.trim.system);
  // Caches that would otherwise be made in each sandbox, or still name what was removed.
  await inChroot(rootfs, ['ldconfig']);
  await inChroot(rootfs, ['fc-cache', '--really-force', '--system-only']);
  dropSetuid(rootfs, recipe.setuidAllowed);
  shiftOwners(rootfs);
  await warmTools(recipe, rootfs);
}

async function installDebian(recipe: Recipe, dir: string, rootfs: string, options: BaseOptions): Promise<void> {
  options.onProgress({ step: 'packages' });
  const sources = options.mirror === undefined ? await hostSources() : mirrorSources(options.mirror);
  const list = join(dir, 'sources.list');
  writeFileSync(list, `${sources.lines.join('\n')}\n`);
  const result = await runCommand(
    [
      'mmdebstrap',
      '--mode=root',
      '--variant=apt',
      '--format=directory',
      '--verbose',
      `--architectures=${recipe.architecture.debian}`,
      '--aptopt=APT::Install-Recommends "false"',
      // A build that the power cut short is thrown away, so nothing needs to be flushed.
      '--dpkgopt=force-unsafe-io',
      ...recipe.packages.leaveOut.map((path) => `--dpkgopt=path-exclude=${path}`),
      `--include=${recipe.packages.packages.join(',')}`,
      sources.suite,
      rootfs,
      list,
    ],
    { env: { LC_ALL: 'C.UTF-8' }, onLine: packageCounter(options.onProgress), inherit: options.lock },
  );
  if (result.code !== 0) throw bootstrapError(result);
}

/**
 * Runs tools once so that Node's compile cache is in the image; a start then takes about half as long. They run under
 * the shifted uid, which nobody else of the host has. The cache counts only for the uid in its name, so the name is
 * changed to what `dev` is in a sandbox.
 */
async function warmTools(recipe: Recipe, rootfs: string): Promise<void> {
  const cache = join(rootfs, compileCachePath);
  mkdirSync(cache, { recursive: true });
  lchownSync(cache, idShift + devId, idShift + devId);
  for (const argv of recipe.warm) {
    const namespaces = ['unshare', '--mount', '--pid', '--net', '--ipc', '--fork', '--kill-child'];
    const environment = [
      '/usr/bin/env',
      '--ignore-environment',
      '--chdir=/tmp',
      'HOME=/tmp',
      'GEMINI_CLI_NO_RELAUNCH=1',
    ];
    const path = 'PATH=/usr/local/bin:/usr/bin:/bin';
    // Without a credential they end early and unhappily; by then the code is compiled.
    await runCommand(
      [
        ...namespaces,
        'chroot',
        `--userspec=${idShift + devId}:${idShift + devId}`,
        rootfs,
        ...environment,
        path,
        `NODE_COMPILE_CACHE=/${compileCachePath}`,
        ...argv,
      ],
      { timeoutMs: 60_000 },
    );
  }
  for (const name of readdirSync(join(rootfs, 'tmp')))
    rmSync(join(rootfs, 'tmp', name), { recursive: true, force: true });
  for (const name of readdirSync(cache))
    renameSync(join(cache, name), join(cache, name.replace(new RegExp(`-${idShift + devId}$`), `-${devId}`)));
  ownByRoot(cache);
  shiftOwners(cache);
}

/** Counts the packages that apt says it set up. */
export function packageCounter(onProgress: OnProgress): (line: string) => void {
  let total = 0;
  let done = 0;
  return (line) => {
    total += Number(/(\d+) newly installed/.exec(line)?.[1] ?? 0);
    if (!line.startsWith('Setting up ')) return;
    done += 1;
    onProgress({ step: 'packages', done, total: Math.max(total, done) });
  };
}

async function inChroot(rootfs: string, argv: string[]): Promise<void> {
  const result = await runCommand(['chroot', rootfs, ...argv]);
  if (result.code !== 0) throw new PolydevError('image_broken', `${argv[0]} failed in the image: ${tail(result)}`);
}

function bootstrapError(result: CommandResult): PolydevError {
  const said = `${result.stdout}${result.stderr}`;
  if (/No space left on device/i.test(said)) {
    return new PolydevError('disk_full', 'The disk filled up while Debian packages were installed.');
  }
  if (/Could not resolve|Failed to fetch|Unable to connect|Could not connect|Temporary failure/i.test(said)) {
    return new PolydevError('no_network', `The Debian archive cannot be reached: ${tail(result, 2)}`);
  }
  return new PolydevError('image_broken', `mmdebstrap failed: ${tail(result)}`);
}
