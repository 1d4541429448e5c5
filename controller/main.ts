/**
 * The controller: everything of Polydev that a network can reach, never as root. Builds all parts top to bottom and
 * stops them in reverse. The first line on stdout is JSON: what is ready, or what went wrong.
 *
 * SIGTERM, and a start that fails: somebody will start it again; what is under way is handed over. SIGINT: for good; it
 * is ended.
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createHostdClient } from '@polydev/hostd/client';
import { type ErrorBody, limits, PolydevError, toPolydevError } from '@polydev/protocol';
import { providerOf } from '@polydev/providers';
import { sql } from 'drizzle-orm';
import type { Logger } from 'pino';
import { createApiTokens } from './auth/api-tokens.ts';
import { createLogins } from './auth/logins.ts';
import { createProfile } from './auth/profile.ts';
import { createSetup } from './auth/setup.ts';
import { type Config, printable, readSettings, type Settings } from './config.ts';
import { createGateway, type Gateway } from './egress/gateway.ts';
import { lockFolder } from './folder-lock.ts';
import { openPort, urlOf } from './http/address.ts';
import type { App } from './http/app.ts';
import { createMetrics } from './http/metrics.ts';
import { createHttpServer } from './http/server.ts';
import { createLog } from './log.ts';
import { loadMasterKey } from './master-key-file.ts';
import { identifyHost, loadIdentity } from './recovery/identity.ts';
import { openDatabase } from './store/database.ts';
import { createEventLog } from './store/events.ts';
import { createMemoryEphemeral } from './store/memory-ephemeral.ts';
import type { Patience } from './store/patience.ts';
import { openRedisEphemeral } from './store/redis-ephemeral.ts';
import { logStore } from './store/watch.ts';
import { createRelay } from './stream/relay.ts';
import { sessionEnd } from './stream/session-end.ts';
import { createTickets } from './stream/tickets.ts';
import { createWorkings } from './workings.ts';

interface Ready {
  ready: true;
  url: string;
  /** The one-time link of set-up; null when there is an owner. */
  setupPath: string | null;
  masterKeyFile: string | null;
  masterKeyCreated: boolean;
}

type StopSignal = 'SIGTERM' | 'SIGINT';

/** What has been started, in order. */
type Started = ((signal: StopSignal) => Promise<unknown>)[];

await run();

async function run(): Promise<void> {
  let log: Logger = createLog('info');
  // Node itself would print the error with everything in it.
  process.once('uncaughtException', (error) => {
    log.fatal({ err: error }, 'The controller broke.');
    process.exit(1);
  });
  const started: Started = [];
  const stopping = new AbortController();
  try {
    const settings = readSettings(process.argv.slice(2), process.env);
    if (settings.printOnly) return say(printable(settings.config));
    log = createLog(settings.config.logLevel);
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.once(signal, () => {
        if (stopping.signal.aborted) return;
        log.info({ signal }, 'stopping');
        stopping.abort();
        void stopAll(started, log, signal).then(() => process.exit(0));
      });
    const ready = await start(settings, started, log, stopping.signal);
    say(ready);
    log.info({ url: ready.url }, 'ready');
  } catch (error) {
    // What is not there yet when it is told to stop does not come.
    if (stopping.signal.aborted) return;
    stopping.abort();
    const { code, message, hint } = toPolydevError(error);
    log.fatal({ err: error }, message);
    say({ error: { code, message, hint } satisfies Omit<ErrorBody['error'], 'requestId'> });
    await stopAll(started, log, 'SIGTERM');
    process.exit(1);
  }
}

async function start(
  { config, allowRoot }: Settings,
  started: Started,
  log: Logger,
  stopping: AbortSignal,
): Promise<Ready> {
  if (process.getuid?.() === 0 && !allowRoot)
    throw new PolydevError(
      'invalid_request',
      'The controller does not run as root; `./polydev up` starts it properly.',
    );

  started.push(await lockFolder(config.dataDir));
  const controller = await loadIdentity(config.dataDir);
  const database = await openDatabase({
    url: config.databaseUrl ?? undefined,
    dataDir: join(config.dataDir, 'database'),
    watch: logStore(log, 'PostgreSQL'),
  });
  started.push(database.close);
  const { db, patience } = database;

  const ephemeral = config.redisUrl
    ? await openRedisEphemeral({ url: config.redisUrl, watch: logStore(log, 'Redis') })
    : createMemoryEphemeral();
  started.push(ephemeral.close);
  const events = createEventLog(database, ephemeral);

  const masterKey = await loadMasterKey(db, {
    given: config.masterKey,
    file: config.masterKeyFile ?? join(config.dataDir, 'master.key'),
  });

  const metrics = createMetrics(() => workings.services.sandboxes.waiting());
  const driver = createHostdClient({ socketPath: config.hostdSocket });
  started.push(async () => driver.close());

  const { listenAddress, port: egressPort, extraCaFile, ...egress } = config.egress;
  const gateway = createGateway({
    ...egress,
    listen: { host: listenAddress, port: egressPort },
    log,
    metrics: metrics.egress,
  });
  await openGateway(gateway, config);
  started.push(gateway.close);

  const workings = createWorkings({
    ...{ db, patience, ephemeral, events, controller, driver, config, providerOf, log },
    host: await identifyHost(),
    masterKey: masterKey.key,
    egress: gateway,
    image: async () => config.imageHash,
    extraCa: extraCaFile === null ? undefined : await readExtraCa(extraCaFile),
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  });
  let app: App | undefined;
  started.push(async (signal) => {
    // A database that is away now is not waited for; what runs could only fail at it.
    if (signal === 'SIGTERM' && isAway(patience)) workings.leave();
    const left = signal === 'SIGINT' ? workings.stop() : workings.handOver();
    // What is left as it is knows that by now, and takes nothing that fails for its end.
    patience.end();
    // Requests that wait for a sandbox end when the workings stop, so neither waits for the other.
    await Promise.all([app?.close(), left]);
  });
  await workings.recover();

  const relay = createRelay({
    display: workings.services.sessions.display,
    ended: (id, signal) => sessionEnd(events, id, signal),
    onInput: workings.services.sessions.active,
    onViewers: (count) => metrics.viewers.set(count),
    onBytes: (direction, bytes) => metrics.relayedBytes.inc({ direction }, bytes),
    onTrouble: (error) => log.warn({ err: error }, 'A picture broke off.'),
  });
  const setup = createSetup(db);
  app = await createHttpServer(
    {
      ...{ services: workings.services, setup, relay, metrics, demo: config.demo },
      logins: createLogins(db, ephemeral),
      apiTokens: createApiTokens(db),
      profile: createProfile(db, ephemeral),
      tickets: createTickets(ephemeral),
      patience,
      pingDatabase: async () => {
        patience.check();
        await db.execute(sql`select 1`);
      },
    },
    { ...config, log },
  );
  stopping.throwIfAborted();
  const port = await openPort(app, config.host, config.port);
  await workings.start();

  const link = await setup.issueLink();
  return {
    ready: true,
    url: urlOf(config.publicUrl, config.host, port),
    setupPath: link === null ? null : `/setup#token=${link}`,
    masterKeyFile: masterKey.file,
    masterKeyCreated: masterKey.created,
  };
}

function isAway({ check }: Patience): boolean {
  try {
    check();
    return false;
  } catch {
    return true;
  }
}

async function openGateway(gateway: Gateway, { egress: { listenAddress, port } }: Config): Promise<void> {
  try {
    await gateway.listen();
  } catch (cause) {
    const taken = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE';
    throw taken
      ? new PolydevError('port_taken', `The egress gateway's port ${port} at ${listenAddress} is taken.`, { cause })
      : new PolydevError('host_lacks', `The egress gateway cannot listen at ${listenAddress}: is hostd running?`, {
          cause,
        });
  }
}

async function readExtraCa(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new PolydevError('invalid_request', `Configuration: egress.extraCaFile ${file} cannot be read.`, { cause });
  }
}

async function stopAll(started: Started, log: Logger, signal: StopSignal): Promise<void> {
  setTimeout(() => {
    log.error('Something did not stop in time.');
    process.exit(1);
  }, limits.stopMs);
  for (let stop = started.pop(); stop; stop = started.pop())
    await stop(signal).catch((error) => log.error({ err: error }, 'Something did not stop well.'));
}

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
