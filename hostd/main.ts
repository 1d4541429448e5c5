/** The privileged process: makes sandboxes, has no network listener. Says on its first line that it listens. */

import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { createJournal } from '@polydev/drivers';
import { createHostNetwork } from '@polydev/drivers/host-network/host-network';
import { createOciDriver } from '@polydev/drivers/oci/driver';
import { PolydevError, toPolydevError } from '@polydev/protocol';
import pino from 'pino';
import { readConfig } from './config.ts';
import { createServer } from './server.ts';

const log = pino({ name: 'hostd' }, pino.destination(2));

try {
  await main();
} catch (error) {
  const { code, message } = toPolydevError(error);
  log.fatal({ err: error }, message);
  process.stdout.write(`${JSON.stringify({ error: { code, message } })}\n`);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const config = readConfig(process.argv.slice(2));
  if (process.getuid?.() !== 0) throw new PolydevError('not_root', 'hostd makes sandboxes and needs root for it.');

  const network = createHostNetwork({ instance: config.instance, gateway: config.gateway });
  const driver = await createOciDriver(
    { instance: config.instance, runDir: config.runDir, images: config.images },
    { journal: await createJournal(config.journal), network },
  );
  const missing = (await driver.preflight()).filter((finding) => finding.needed && !finding.ok);
  if (missing.length > 0) {
    const said = missing.map(({ name, found }) => `${name}: ${found}`).join('; ');
    throw new PolydevError('host_lacks', `This host lacks what sandboxes need. ${said}.`);
  }
  const recovery = await driver.recover();
  log.info(recovery, 'journal read');

  const server = createServer(driver, log);
  await listen(server, config.socket, config.group);
  process.stdout.write(`${JSON.stringify({ listening: config.socket, gateway: config.gateway })}\n`);

  const stop = async () => {
    await server.close();
    await driver.close({ keep: config.keep });
    process.exit(0);
  };
  process.once('SIGTERM', () => void stop());
  process.once('SIGINT', () => void stop());
}

async function listen(server: ReturnType<typeof createServer>, socket: string, group: string): Promise<void> {
  await mkdir(dirname(socket), { recursive: true, mode: 0o755 });
  await rm(socket, { force: true });
  const mask = process.umask(0o177); // nobody else between listen and chown
  await server.listen({ path: socket });
  process.umask(mask);
  await chown(socket, 0, await groupId(group));
  await chmod(socket, 0o660);
}

async function groupId(name: string): Promise<number> {
  const { stdout } = await promisify(execFile)('getent', ['group', name]);
  return Number(stdout.split(':')[2]);
}
