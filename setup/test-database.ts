/** A throw-away PostgreSQL server for the store tests, as the unprivileged user. Its data goes with it. */

import { execFile, spawn } from 'node:child_process';
import { chown, mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { PolydevError } from '@polydev/protocol';
import type { ServiceUser } from './service-user.ts';

const run = promisify(execFile);
const versionsFolder = '/usr/lib/postgresql';
const listening = 'database system is ready to accept connections';

export interface TestDatabase {
  url: string;
  stop(): Promise<void>;
}

export async function startTestDatabase(user: ServiceUser): Promise<TestDatabase> {
  const versions = (await readdir(versionsFolder)).map(Number).filter(Number.isInteger);
  const programs = join(versionsFolder, String(Math.max(...versions)), 'bin');
  const folder = await mkdtemp(join(tmpdir(), 'polydev-postgres-'));
  await chown(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const options = { ...user, cwd: folder, env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' } };
  await run(join(programs, 'initdb'), ['-D', data, '-U', 'postgres', '--auth=trust', '--no-sync'], options);

  const port = await freePort();
  const settings = { listen_addresses: '127.0.0.1', unix_socket_directories: '', fsync: 'off' };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  // The kernel ends it when the tests are killed.
  const command = [join(programs, 'postgres'), '-D', data, '-p', String(port), ...flags];
  const become = ['--reuid', String(user.uid), '--regid', String(user.gid), '--clear-groups'];
  const server = spawn('setpriv', ['--pdeathsig', 'INT', ...become, '--', ...command], {
    cwd: folder,
    env: options.env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => server.once('close', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: server.stderr }).on('line', (line) => line.includes(listening) && resolve());
    ended.then(() => reject(new PolydevError('host_lacks', 'The test database did not start.')));
  });

  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    async stop() {
      server.kill('SIGINT'); // its "fast" shutdown
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
