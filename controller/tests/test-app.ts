/** The HTTP server over a real database in memory, with services that a test fills in as it needs them. */

import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { type LoginRequest, PolydevError, type Scope, type User } from '@polydev/protocol';
import { createApiTokens } from '../auth/api-tokens.ts';
import { createLogins } from '../auth/logins.ts';
import { createProfile } from '../auth/profile.ts';
import { createSetup } from '../auth/setup.ts';
import type { App, AppDeps } from '../http/app.ts';
import { createMetrics } from '../http/metrics.ts';
import { createHttpServer, type ServerOptions } from '../http/server.ts';
import { createLog } from '../log.ts';
import type { Services } from '../services.ts';
import { openTestStore, type TestStore } from '../store/testing.ts';
import { createRelay, type RelayDeps } from '../stream/relay.ts';
import { sessionEnd } from '../stream/session-end.ts';
import { createTickets } from '../stream/tickets.ts';

export const owner: LoginRequest = { name: 'Ada', password: 'correct horse battery' };
export const host = 'polydev.test:4000';
export const origin = `http://${host}`;

export interface TestApp extends TestStore {
  app: App;
  /** All that was logged, one JSON text a line. */
  log: string[];
  setupToken: string;
  /** Sets up the owner; answers his cookie as a request header. */
  signIn(): Promise<{ user: User; cookie: string }>;
  /** An API token of the owner as a request header; may do all unless told otherwise. */
  bearer(scope?: Scope): Promise<string>;
  /** Opens a port; answers it. */
  listen(): Promise<number>;
}

export interface TestAppOptions {
  services?: { [K in keyof Services]?: Partial<Services[K]> };
  server?: Partial<ServerOptions>;
  relay?: Partial<RelayDeps>;
  deps?: Partial<AppDeps>;
  /** Of the test's own; else a fresh one. */
  store?: TestStore;
}

export async function createTestApp(t: TestContext, options: TestAppOptions = {}): Promise<TestApp> {
  const store = options.store ?? (await openTestStore(t));
  const { db, patience, ephemeral, events } = store;
  const setup = createSetup(db);
  const logins = createLogins(db, ephemeral);
  const apiTokens = createApiTokens(db);
  const services = withoutHoles(options.services ?? {});
  const log: string[] = [];
  const relay = createRelay({
    display: services.sessions.display,
    ended: (id, signal) => sessionEnd(events, id, signal),
    ...options.relay,
  });
  const app = await createHttpServer(
    {
      services,
      setup,
      logins,
      apiTokens,
      profile: createProfile(db, ephemeral),
      tickets: createTickets(ephemeral),
      relay,
      metrics: createMetrics(),
      demo: false,
      patience,
      pingDatabase: async () => {},
      ...options.deps,
    },
    {
      publicUrl: null,
      trustedProxies: [],
      requestsPerMinute: 100_000,
      webDir: null,
      log: createLog('debug', { write: (line) => void log.push(line) }),
      ...options.server,
    },
  );
  t.after(() => app.close());
  const setupToken = (await setup.issueLink()) ?? '';

  return {
    ...store,
    app,
    log,
    setupToken,
    async signIn() {
      const user = await setup.complete({ setupToken, ...owner });
      const answer = await app.inject({ method: 'POST', url: '/api/login', headers: { host }, payload: owner });
      const [cookie] = answer.cookies;
      return { user, cookie: `${cookie?.name}=${cookie?.value}` };
    },
    async bearer(scope = 'admin') {
      const user = (await setup.needed())
        ? await setup.complete({ setupToken, ...owner })
        : await logins.check(owner, 'test');
      return `Bearer ${(await apiTokens.create(user, { name: 'test', scopes: [scope] })).secret}`;
    },
    async listen() {
      await app.listen({ port: 0, host: '127.0.0.1' });
      return (app.server.address() as AddressInfo).port;
    },
  };
}

/** What a test does not give is not there. */
function withoutHoles(given: NonNullable<TestAppOptions['services']>): Services {
  const missing = async () => {
    throw new PolydevError('not_found', 'There is no such thing here.');
  };
  const filled = (part: object | undefined) =>
    new Proxy(part ?? {}, { get: (target, name) => Reflect.get(target, name) ?? missing });
  return {
    sessions: filled(given.sessions),
    credentials: filled(given.credentials),
    runs: filled(given.runs),
    usage: filled(given.usage),
    changes: filled(given.changes),
    sandboxes: filled({
      status: async () => ({ hostd: true, image: 'a'.repeat(16), sandboxes: 0 }),
      ...given.sandboxes,
    }),
  } as Services;
}
