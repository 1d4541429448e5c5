/**
 * A throw-away PostgreSQL and a throw-away Redis for tests, as an unprivileged user. Each can be ended in any way and
 * started again at the same address; its data goes when it is removed, and the kernel ends it with the tests.
 */

import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { PolydevError } from '@polydev/protocol';
import { freePort } from './free-port.ts';
import { ensureServiceUser, type ServiceUser } from './service-user.ts';

const run = promisify(execFile);
const postgresVersions = '/usr/lib/postgresql';
const redisServer = '/usr/bin/redis-server';
/** What a killed server left, its children or its address, may be there for a moment. */
const startsAtMost = 50;

/** Why the tests that start servers of their own cannot; false where they can. */
export const skipTestServers: string | false =
  existsSync(postgresVersions) && existsSync(redisServer) ? false : 'PostgreSQL and Redis are not installed';

export interface TestServer {
  url: string;
  start(): Promise<void>;
  /** Resolves when it has ended. */
  end(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<void>;
  /** Ends it and forgets its data. */
  remove(): Promise<void>;
}

/** SIGTERM is its "smart" shutdown, which waits for its clients, SIGINT the "fast" one. */
export async function startTestPostgres(): Promise<TestServer> {
  const versions = (await readdir(postgresVersions)).map(Number).filter(Number.isInteger);
  const programs = join(postgresVersions, String(Math.max(...versions)), 'bin');
  const { folder, user } = await makeScratch('postgres');
  const data = join(folder, 'data');
  const options = { ...user, cwd: folder, env: environment };
  await run(join(programs, 'initdb'), ['-D', data, '-U', 'postgres', '--auth=trust', '--no-sync'], options);
  const port = await freePort();
  const settings = { listen_addresses: '127.0.0.1', unix_socket_directories: '', fsync: 'off' };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = createServerProcess({
    ...{ folder, user },
    command: [join(programs, 'postgres'), '-D', data, '-p', String(port), ...flags],
    listening: /database system is ready to accept connections/,
  });
  await server.start();
  return { url: `postgres://postgres@127.0.0.1:${port}/postgres`, ...server };
}

/** It keeps nothing, so that a new start has lost everything. */
export async function startTestRedis(): Promise<TestServer> {
  const { folder, user } = await makeScratch('redis');
  const port = await freePort();
  const server = createServerProcess({
    ...{ folder, user },
    command: [redisServer, '--bind', '127.0.0.1', '--port', String(port), '--save', '', '--dir', folder],
    listening: /ready to accept connections/i,
  });
  await server.start();
  return { url: `redis://127.0.0.1:${port}`, ...server };
}

const environment = { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' };

interface Scratch {
  folder: string;
  /** Null: who runs the tests is unprivileged already. */
  user: ServiceUser | null;
}

async function makeScratch(name: string): Promise<Scratch> {
  const user = process.getuid?.() === 0 ? await ensureServiceUser() : null;
  const folder = await mkdtemp(join(tmpdir(), `polydev-${name}-`));
  if (user) await chown(folder, user.uid, user.gid);
  return { folder, user };
}

interface ServerCommand extends Scratch {
  command: string[];
  /** The line that says so. */
  listening: RegExp;
}

function createServerProcess({ folder, user, command, listening }: ServerCommand): Omit<TestServer, 'url'> {
  const become = user ? ['--reuid', String(user.uid), '--regid', String(user.gid), '--clear-groups'] : [];
  let present: { kill(signal: NodeJS.Signals): void; ended: Promise<void> } | undefined;

  /** False when it ended before it listened. */
  async function startOnce(): Promise<boolean> {
    const server = spawn('setpriv', ['--pdeathsig', 'KILL', ...become, '--', ...command], {
      cwd: folder,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = new Promise<void>((resolve) => server.once('close', () => resolve()));
    const ready = new Promise<boolean>((resolve) => {
      for (const output of [server.stdout, server.stderr])
        createInterface({ input: output }).on('line', (line) => listening.test(line) && resolve(true));
      void ended.then(() => resolve(false));
    });
    present = { kill: (signal) => void server.kill(signal), ended };
    return await ready;
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    present?.kill(signal);
    await present?.ended;
  }

  return {
    async start() {
      for (let tries = 1; !(await startOnce()); tries += 1)
        if (tries === startsAtMost) throw new PolydevError('host_lacks', `${command[0]} does not start.`);
    },
    end,
    async remove() {
      await end('SIGKILL');
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
