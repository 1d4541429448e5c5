/** A Redis for tests: the one REDIS_URL names, else a `redis-server` of our own on a unix socket, else none. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, constants, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';

const given = process.env.REDIS_URL;
const binary = given ? undefined : await findOnPath('redis-server');

export const skipRedis: string | false = given || binary ? false : 'neither REDIS_URL nor redis-server is there';

export interface TestRedis {
  url: string;
  stop(): Promise<void>;
}

export async function startRedis(): Promise<TestRedis> {
  if (given) return { url: given, stop: async () => {} };
  if (!binary) throw new Error('There is no Redis to start.');
  const scratch = await mkdtemp(join(tmpdir(), 'polydev-redis-'));
  const socket = join(scratch, 'redis.sock');
  const args = ['--port', '0', '--unixsocket', socket, '--save', '', '--dir', scratch];
  const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  await Promise.race([
    listening(child.stdout),
    exited.then(() => Promise.reject(new Error('redis-server ended before it listened.'))),
  ]);
  return {
    url: socket,
    async stop() {
      child.kill('SIGKILL');
      await exited;
      await rm(scratch, { recursive: true, force: true });
    },
  };
}

async function listening(output: NodeJS.ReadableStream): Promise<void> {
  await new Promise<void>((resolve) => {
    createInterface(output).on('line', (line) => {
      if (/ready to accept connections/i.test(line)) resolve();
    });
  });
}

async function findOnPath(name: string): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, name);
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  return undefined;
}
