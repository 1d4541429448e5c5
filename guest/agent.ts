/** Builds every part of the agent, in the order they depend on each other, and stops them in reverse. */

import { once } from 'node:events';
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import type { AddressInfo, ListenOptions, Server } from 'node:net';
import { join } from 'node:path';
import type { AgentEvent, ProviderId } from '@polydev/protocol';
import type { Provider } from '@polydev/providers/provider';
import { writeCertificates } from './claim/certificates.ts';
import { createClaims } from './claim/claim.ts';
import type { AgentConfig } from './config.ts';
import { createDesktopParts } from './display/desktop-parts.ts';
import { watchDesktop } from './display/desktop-watch.ts';
import { createRfbUpgrade } from './display/rfb-upgrade.ts';
import { printedAgoMs } from './display/terminal-output.ts';
import { createForwarder } from './egress/forwarder.ts';
import { createEventLog } from './events/event-log.ts';
import { createExecutions } from './exec/executions.ts';
import { createHealth } from './health/health.ts';
import { createHomeFolder } from './home/home-files.ts';
import { createHttpServer } from './http/server.ts';
import { readJournal } from './journal/journal.ts';
import type { Log } from './log.ts';
import { createOpenedPages } from './notify/opened-pages.ts';
import { createRoutes } from './routes.ts';

export interface Agent {
  /** As bound, for a configuration that says port 0. */
  port: number;
  proxyPort: number;
  stop(): void;
}

/** How long a program or a viewer waits for what is still coming: the claim, the display. */
const patienceMs = 10_000;
const eventLogBytes = 16 * 1024 * 1024;

export async function startAgent(
  config: AgentConfig,
  deps: { providers: Readonly<Record<ProviderId, Provider>>; log: Log },
): Promise<Agent> {
  const now = Date.now;
  const { owner } = config;
  const over = new AbortController();

  mkdirSync(config.runFolder, { recursive: true, mode: 0o755 });
  writeCertificates(config);

  const home = createHomeFolder(config.home, owner);
  const events = createEventLog<AgentEvent>({ keepBytes: eventLogBytes, now });
  const forwarder = createForwarder({ patienceMs });
  const claims = createClaims({ config, providers: deps.providers, home, events, forwarder, now, log: deps.log });
  const environment = { ...config.environment, HOME: config.home, USER: owner.name, LOGNAME: owner.name };
  const executions = createExecutions({
    owner,
    home,
    workFolder: config.workFolder,
    environment,
    secrets: () => claims.required().credential.environment(),
    now,
  });

  const parts = createDesktopParts(events);
  const { socket } = config.display;
  if (config.profile === 'desktop')
    void watchDesktop(
      { socket, parts, owner, environment: { ...environment, DISPLAY: config.display.name } },
      over.signal,
    );

  const openedPages = createOpenedPages(events);
  const health = createHealth({
    version: config.version,
    profile: config.profile,
    claimed: () => claims.current !== undefined,
    desktop: parts.list,
    capture: () => claims.current?.capture(),
    printedAgoMs: () => (config.profile === 'desktop' ? printedAgoMs(config.terminals, config.console) : undefined),
  });
  const server = createHttpServer({
    token: config.token,
    routes: createRoutes({ health, claims, events, executions, journal: () => readJournal(config.journalctl) }),
    upgrades: config.profile === 'desktop' ? { '/rfb': createRfbUpgrade({ socket, patienceMs }) } : {},
    log: deps.log,
  });

  const notifySocket = join(config.runFolder, 'notify.sock');
  rmSync(notifySocket, { force: true });
  await listen(openedPages, { path: notifySocket });
  chmodSync(notifySocket, 0o666);
  const proxyPort = await listen(forwarder.server, config.proxy);
  const port = await listen(server, config.listen);

  return {
    port,
    proxyPort,
    stop() {
      over.abort();
      server.close();
      server.closeAllConnections();
      forwarder.server.close();
      openedPages.close();
      void executions.stopAll();
      claims.current?.stop();
      events.end();
    },
  };
}

/** The port, for a TCP server. */
async function listen(server: Server, options: ListenOptions): Promise<number> {
  server.listen(options);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
