/**
 * The privileged process: makes and destroys sandboxes for whoever may use its socket, and does nothing else. Says
 * on stdout, as one JSON line, that it listens or why not; logs on stderr.
 *
 * SIGTERM: somebody will start it again; its sandboxes live on and are adopted then. SIGINT: for good; they go.
 */

import { mkdir, rmdir } from 'node:fs/promises';
import { createJournal, type LocalDriver } from '@polydev/drivers';
import { createHostNetwork } from '@polydev/drivers/host-network/host-network';
import { createOciDriver } from '@polydev/drivers/oci/driver';
import { raiseOnHost } from '@polydev/drivers/oci/file-watchers';
import { limits, PolydevError, toPolydevError } from '@polydev/protocol';
import { type Logger, pino } from 'pino';
import { type HostdConfig, parseConfig } from './config.ts';
import { createHostdServer } from './server.ts';
import { groupId, openSocketTo, prepareSocket } from './socket.ts';

const log = pino({ name: 'hostd' }, pino.destination({ dest: 2, sync: true }));

try {
  await start(parseConfig(process.argv.slice(2)));
} catch (error) {
  log.fatal({ err: error });
  const { code, message } = toPolydevError(error);
  say({ error: { code, message } });
  process.exitCode = 1;
}

async function start(config: HostdConfig): Promise<void> {
  const { socket, gateway, instance, images, runDir } = config;
  await prepareSocket(socket);
  await mkdir(runDir, { recursive: true, mode: 0o755 });
  const callers = config.group === undefined ? undefined : await groupId(config.group);
  const network = createHostNetwork({ instance, gateway, callers });
  const driver = await createOciDriver(
    { instance, runDir, images },
    { journal: createJournal(config.journal), network },
  );
  log.info({ raised: await raiseOnHost() }, 'limits of file watchers');
  await requireHost(driver, log);
  log.info(await driver.recover(), 'recovered');

  const server = createHostdServer({ driver, log });
  await server.listen({ path: socket });
  await openSocketTo(socket, callers);
  const stop = async (signal: NodeJS.Signals) => {
    log.info({ signal }, 'stopping');
    const giveUp = () => {
      log.error('Something did not stop in time.');
      process.exit(1);
    };
    // Who would kill it otherwise may be no more.
    setTimeout(giveUp, signal === 'SIGTERM' ? limits.stopMs : limits.stopForGoodMs).unref();
    await server.close();
    await driver.close({ keep: signal === 'SIGTERM' });
    if (signal === 'SIGINT')
      await rmdir(runDir).catch((error) => log.warn({ err: error }, 'The run folder is not empty.'));
    log.info('stopped');
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () =>
      stop(signal).catch((error: unknown) => {
        log.fatal({ err: error });
        process.exitCode = 1;
      }),
    );
  say({ listening: socket, gateway });
}

async function requireHost(driver: LocalDriver, logger: Logger): Promise<void> {
  const findings = await driver.preflight();
  const wrong = findings.filter(({ ok }) => !ok);
  for (const finding of wrong) logger.warn(finding, 'preflight');
  const [first] = wrong.filter(({ needed }) => needed);
  if (first) throw new PolydevError('host_lacks', `${first.name}: ${first.found}. ${first.remedy ?? ''}`.trim());
}

function say(line: unknown): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
