/** Everything behind the API, on real parts but for the sandboxes: PostgreSQL in memory, real vault, fake driver. */

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { createFakeDriver, type FakeDriver } from '@polydev/drivers/fake/driver';
import {
  type Credential,
  type CredentialBundle,
  type CredentialId,
  limits,
  newId,
  type RunId,
  type RunStreamEvent,
  type SequencedEvent,
  type SessionEvent,
  type SessionId,
  type StartSession,
  type User,
} from '@polydev/protocol';
import { providerOf } from '@polydev/providers';
import * as box from '@polydev/vault/box';
import { createMasterKey, type MasterKey } from '@polydev/vault/master-key';
import { eq } from 'drizzle-orm';
import { parseConfig } from '../config.ts';
import { Secret } from '../credentials/secret.ts';
import { createVault } from '../credentials/vault.ts';
import { createLog } from '../log.ts';
import type { EgressGrant } from '../sandboxes/sandboxes.ts';
import { authSessions, credentials, sandboxes, users } from '../store/schema.ts';
import { openTestStore, type TestStore } from '../store/testing.ts';
import { createWorkings, type Workings, type WorkingsDeps } from '../workings.ts';
import { createJumpingClock, type JumpingClock } from './clock.ts';
import { type Desktop, type Script, toolSays } from './tool.ts';

/** Long enough for a busy machine; who waits longer is stuck. */
export const testTimeout = { timeout: 120_000 };
const image = 'f'.repeat(64);

export interface Stage extends Workings, TestStore {
  user: User;
  driver: FakeDriver;
  clock: JumpingClock;
  masterKey: MasterKey;
  /** What the tool does in every sandbox, unless a test says otherwise. */
  script: Script;
  /** Source addresses that the egress gateway knows now. */
  granted: Map<string, EgressGrant>;
  /** All that was logged. */
  logged(): string;
  /** What stands in the vault, opened. */
  opened(id: CredentialId): Promise<string>;
  addUser(role: User['role']): Promise<User>;
  /** Starts a sign-in and answers its desktop, which is claimed by then. */
  signIn(request?: Partial<StartSession>): Promise<Desktop>;
  /** The same with its terminal shown. */
  openDesktop(): Promise<Desktop>;
  /** The whole timeline, when it has ended. */
  sessionEvents(id: SessionId): Promise<SessionEvent[]>;
  runEvents(id: RunId): Promise<RunStreamEvent[]>;
  /** Resolves at the first event that fits; `seen` counts those of its type. Fails when the timeline ends before. */
  untilSession(id: SessionId, fits: (event: SessionEvent, seen: number) => boolean): Promise<void>;
  untilRun(id: RunId, fits: (event: RunStreamEvent, seen: number) => boolean): Promise<void>;
  /** A signed-in Claude Code in the vault. */
  connect(refreshToken?: string, label?: string): Promise<Credential>;
  /** Hands over once all that runs has ended. */
  drain(): Promise<void>;
  /** The controller hands over and starts again, on the same database and the same host, perhaps with something changed. */
  restart(changed?: Partial<WorkingsDeps>): Promise<void>;
  /** As after kill -9: another takes its place, and what it had begun is never heard of again. */
  crash(): Promise<void>;
  /** One more controller on the same database, with sandboxes of its own. */
  openOther(where?: { host: string }): Promise<Workings & { driver: FakeDriver }>;
  /** Fails unless every sandbox is gone and nothing unproven is left. */
  assertClean(): Promise<void>;
}

export interface StageOptions {
  verify?: 'run' | 'off';
  signIn?: Partial<{ defaultMs: number; extendMs: number; hardMs: number; idleMs: number }>;
  atMost?: number;
  /** Of the test's own; else a fresh one. */
  store?: TestStore;
  keepPictures?: boolean;
}

export async function openStage(t: TestContext, options: StageOptions = {}): Promise<Stage> {
  // Before the store's own hook: hooks run in this order.
  let stop = async () => {};
  t.after(() => stop());
  const store = options.store ?? (await openTestStore(t));
  let logged = '';
  const write = (line: string) => {
    logged += line;
  };
  const log = createLog('debug', { write });
  const clock = createJumpingClock();
  const granted = new Map<string, EgressGrant>();
  const script: Script = { run: toolSays('pong') };
  const waiting: ((desktop: Desktop['agent']) => void)[] = [];
  const driver = createFakeDriver({
    box,
    script: {
      async onCreate(agent) {
        agent.onExec((request, process) => script.run(request, process, agent));
        await script.boot?.(agent);
        if (agent.spec.profile === 'desktop') void agent.claimed.then(() => waiting.shift()?.(agent));
      },
    },
  });
  const config = parseConfig({
    signIn: { verify: options.verify ?? 'run', keepPictures: options.keepPictures ?? true },
    sandbox: { ...(options.atMost && { atMost: options.atMost }) },
  });
  Object.assign(config.signIn, options.signIn);
  const deps: WorkingsDeps = {
    ...store,
    controller: newId('controller'),
    host: 'here',
    masterKey: createMasterKey(),
    driver,
    egress: {
      grant: (source, grant) => void granted.set(source, grant),
      revoke: (source) => void granted.delete(source),
    },
    providerOf,
    config,
    image: async () => image,
    log,
    clock,
    lastLookMs: 60_000,
  };
  let workings = createWorkings(deps);
  stop = async () => {
    await workings.stop();
    await driver.close({ keep: false });
  };

  async function signIn(request: Partial<StartSession> = {}): Promise<Desktop> {
    const claimed = new Promise<Desktop['agent']>((resolve) => waiting.push(resolve));
    const session = await workings.services.sessions.start(user, { provider: 'claude_code', ...request });
    return { session, agent: await claimed };
  }

  /** Without waiting for what runs. */
  async function handOver(): Promise<void> {
    const over = workings.handOver();
    await new Promise(setImmediate);
    clock.jump(limits.drainMs);
    await over;
  }

  async function openOther({ host } = { host: deps.host }): Promise<Workings & { driver: FakeDriver }> {
    const elsewhere = createFakeDriver({
      box,
      script: { onCreate: (agent) => agent.onExec((request, process) => script.run(request, process, agent)) },
    });
    const other = createWorkings({ ...deps, driver: elsewhere, controller: newId('controller'), host });
    t.after(async () => {
      await other.stop();
      await elsewhere.close({ keep: false });
    });
    await other.recover();
    return { ...other, driver: elsewhere };
  }

  async function addUser(role: User['role']): Promise<User> {
    const user = { id: newId('user'), name: `${role} ${newId('user')}`, role };
    await store.db.insert(users).values({ ...user, passwordHash: '-', createdAtMs: 0 });
    return user;
  }
  const user = await addUser('owner');
  const never = new AbortController().signal;

  async function eventsOf<E>(stream: Promise<AsyncIterable<SequencedEvent<E>>>): Promise<E[]> {
    const found: E[] = [];
    for await (const { event } of await stream) found.push(event);
    return found;
  }

  async function until<E extends { type: string }>(
    stream: Promise<AsyncIterable<SequencedEvent<E>>>,
    fits: (event: E, seen: number) => boolean,
  ): Promise<void> {
    const seen: Record<string, number> = {};
    for await (const { event } of await stream) {
      const count = (seen[event.type] ?? 0) + 1;
      seen[event.type] = count;
      if (fits(event, count)) return;
    }
    assert.fail('It ended before.');
  }

  const sessionStream = (id: SessionId) => workings.services.sessions.events(user, id, 0, never);
  const runStream = (id: RunId) => workings.services.runs.events(user, id, 0, never);

  return {
    ...store,
    get services() {
      return workings.services;
    },
    recover: () => workings.recover(),
    start: () => workings.start(),
    leave: () => workings.leave(),
    handOver,
    drain: () => workings.handOver(),
    stop: () => workings.stop(),
    async restart(changed = {}) {
      await handOver();
      workings = createWorkings({ ...deps, ...changed });
      await workings.recover();
    },
    async crash() {
      workings = createWorkings(deps);
      await workings.recover();
    },
    openOther,
    user,
    driver,
    clock,
    masterKey: deps.masterKey,
    script,
    granted,
    logged: () => logged,
    opened: async (id) => JSON.stringify((await createVault(store, deps.masterKey).open(id)).bundle.reveal()),
    addUser,
    signIn,
    async openDesktop() {
      const desktop = await signIn();
      desktop.agent.emitDesktop('terminal', true);
      await until(sessionStream(desktop.session.id), (event) => event.type === 'state' && event.state === 'ready');
      // What follows from it is written last, and has been done by then.
      const { id } = desktop.session;
      const heard = () => store.db.select().from(authSessions).where(eq(authSessions.id, id));
      while (((await heard())[0]?.agentEvents ?? 0) < 1) await new Promise((resolve) => setTimeout(resolve, 5));
      return desktop;
    },
    sessionEvents: (id) => eventsOf(sessionStream(id)),
    runEvents: (id) => eventsOf(runStream(id)),
    untilSession: (id, fits) => until(sessionStream(id), fits),
    untilRun: (id, fits) => until(runStream(id), fits),
    async connect(refreshToken = 'first-refresh-token', label = 'default') {
      const vault = createVault(store, deps.masterKey);
      const bundle = new Secret(claudeBundle(refreshToken));
      const account = { email: 'person@example.com' };
      const content = { userId: user.id, provider: 'claude_code', label, bundle, account } as const;
      const unproven = await vault.putUnproven(content);
      const { id } = await store.db.transaction((tx) => vault.promote(tx, unproven, content));
      const found = (await workings.services.credentials.list(user)).find((credential) => credential.id === id);
      assert.ok(found);
      return found;
    },
    async assertClean() {
      const left = {
        sandboxes: await driver.list(),
        rows: (await store.db.select().from(sandboxes)).filter(({ state }) => state !== 'gone'),
        granted: [...granted.keys()],
        unproven: (await store.db.select().from(credentials)).filter(({ status }) => status === 'unproven'),
      };
      assert.deepEqual(left, { sandboxes: [], rows: [], granted: [], unproven: [] });
    },
  };
}

/** Files of a signed-in Claude Code. */
export function claudeBundle(refreshToken: string, email = 'person@example.com'): CredentialBundle {
  const tokens = {
    accessToken: `access-of-${refreshToken}`,
    refreshToken,
    expiresAt: 1,
    scopes: ['user:inference'],
    subscriptionType: 'max',
  };
  return {
    kind: 'files',
    provider: 'claude_code',
    files: [
      { path: '.claude/.credentials.json', content: JSON.stringify({ claudeAiOauth: tokens }) },
      { path: '.claude.json', content: JSON.stringify({ oauthAccount: { emailAddress: email } }) },
    ],
  };
}
