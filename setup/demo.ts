/**
 * A demo: the same product, with the doubles behind the providers' names, reached by the egress gateway's own routes.
 * Every other address is closed to its sandboxes. Its data folder is marked, so that it is never taken for a real one.
 */

import { chown, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PolydevError } from '@polydev/protocol';
import { type Child, startChild } from './child.ts';
import { freePort } from './free-port.ts';
import type { HostPaths } from './paths.ts';
import { nodeOf } from './release.ts';
import type { ServiceUser } from './service-user.ts';

export const demoHome = '/var/lib/polydev-demo';
/** Another than the usual one, so that a demo can run beside the real thing. */
export const demoPort = 4001;

const loopback = '127.0.0.1';
const marker = 'DEMO';
const markerText = 'A demo of Polydev keeps its data here. Nothing in this folder is worth keeping.\n';

/** `wrong_data_folder` unless the folder is new, or was made by the same kind of start. */
export async function requireKind(home: string, demo: boolean): Promise<void> {
  const marked = await stat(join(home, marker)).then(
    () => true,
    () => false,
  );
  if (marked && !demo) throw new PolydevError('wrong_data_folder', `${home} is the data folder of a demo.`);
  if (marked || !demo) return;
  const content = await readdir(home).catch(() => []);
  if (content.length > 0)
    throw new PolydevError('wrong_data_folder', `${home} is not empty, and it is not the data folder of a demo.`);
}

export async function markDemo(home: string): Promise<void> {
  await mkdir(home, { recursive: true, mode: 0o755 });
  await writeFile(join(home, marker), markerText);
}

interface StandInsReady {
  port: number;
  /** Certificate of the authority that the sandboxes must trust. */
  caPath: string;
  hosts: string[];
}

export interface StandInsOptions {
  paths: HostPaths;
  release: string;
  user: ServiceUser;
  onTrouble: (sentence: string) => void;
}

/** Starts the doubles on loopback. Writes the settings with which the controller sends the providers' names to them. */
export async function startStandIns(
  options: StandInsOptions,
): Promise<{ child: Child<StandInsReady>; config: string }> {
  const { paths, release, user, onTrouble } = options;
  const folder = join(paths.home, 'stand-ins');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chown(folder, user.uid, user.gid);
  // Chosen here: started again after a crash, they must be where the routes lead.
  const port = await freePort(loopback);
  const child = await startChild<StandInsReady>(
    {
      name: 'stand-ins',
      command: nodeOf(release),
      cwd: release,
      args: [
        join(release, 'doubles/main.ts'),
        ...['--host', loopback, '--port', String(port), '--folder', folder, '--demo-keys'],
      ],
      env: { PATH: process.env.PATH, LANG: 'C.UTF-8', NODE_COMPILE_CACHE: join(folder, 'compile-cache') },
      user,
      logFile: join(paths.home, 'logs/stand-ins.log'),
    },
    onTrouble,
  );
  const { hosts, caPath } = child.ready;
  const routes = Object.fromEntries(hosts.map((host) => [host, `${loopback}:${port}`]));
  const config = join(paths.home, 'demo.json');
  const settings = { demo: true, egress: { routes, extraCaFile: caPath, allowedPorts: [] } };
  await writeFile(config, `${JSON.stringify(settings, null, 2)}\n`);
  return { child, config };
}
