/** Every part is lost at every stage of a run, of a sign-in and of a sandbox. What must hold then: recovery-cases.ts. */

import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';
import { skipTestServers, startTestPostgres, startTestRedis, type TestServer } from '../setup/test-servers.ts';
import {
  hasPart,
  killDuringRun,
  killDuringSandbox,
  killDuringSignIn,
  killWhileSignInWaits,
  loseDatabase,
  sandboxesAtMost,
  untilHit,
} from './recovery-cases.ts';
import type { Part, RecoveryStage } from './recovery-parts.ts';
import { connectRenewing, runStages, sandboxStages, signInStages } from './recovery-steps.ts';
import { openStage } from './stage.ts';
import type { WorldOptions } from './world.ts';

const isRoot = process.getuid?.() === 0;
const timeout = 40 * 60_000;
const config = {
  pool: { desktop: { min: 1, max: 1 }, headless: { min: 1, max: 1 } },
  sandbox: { atMost: sandboxesAtMost },
  // States that last a moment are looked for often.
  requestsPerMinute: 100_000,
};
/** Which there are before anyone has a sandbox. */
const withoutSandbox: readonly Part[] = ['controller', 'hostd', 'disk', 'database', 'redis'];
/** Room enough for everything but the ballast that fills it. */
const dataMiB = 384;

/** `npm run e2e -- recovery`: each part at each stage. In `npm test` each part at one of them. */
const everyStage = process.env.POLYDEV_E2E_EVERY_STAGE === '1';

interface Parts {
  ofRun: readonly Part[];
  ofSignIn: readonly Part[];
  ofSandbox: readonly Part[];
}

interface Case {
  part: Part;
  name: string;
  /** Answers whether the kill came at its stage. */
  once(attempt: number): Promise<boolean>;
}

function losing({ ofRun, ofSignIn, ofSandbox }: Parts, stage: () => RecoveryStage): void {
  const ofRuns = pairs(ofRun, runStages).map(([part, at]) => ({
    part,
    name: `${part}, while a run is ${at}: the run ends, and the next one works`,
    once: (attempt: number) => killDuringRun(stage(), part, at, attempt),
  }));
  const ofSignIns = pairs(ofSignIn, signInStages).map(([part, at]) => ({
    part,
    name: `${part}, while a sign-in is ${at}: it goes on or ends, and nothing is left`,
    once: (attempt: number) => killDuringSignIn(stage(), part, at, attempt),
  }));
  const ofSandboxes = pairs(ofSandbox, sandboxStages)
    .filter(([part, at]) => hasPart(part, at))
    .map(([part, at]) => ({
      part,
      name: `${part}, while a sandbox is ${at}: who comes next has one`,
      once: (attempt: number) => killDuringSandbox(stage(), part, at, attempt),
    }));
  const cases = [...ofRuns, ...ofSignIns, ...ofSandboxes];
  for (const { name, once } of everyStage ? cases : onePerPart(cases)) test(name, () => untilHit(once));

  const ofWaiting = ofSignIn.filter((part) => withoutSandbox.includes(part));
  for (const part of everyStage ? ofWaiting : ofWaiting.slice(0, 1))
    test(`${part}, while a sign-in is pending: it has its turn or ends, and so does the next`, () =>
      killWhileSignInWaits(stage(), part));
}

function pairs<A, B>(some: readonly A[], others: readonly B[]): [A, B][] {
  return some.flatMap((one) => others.map((other): [A, B] => [one, other]));
}

/** Spread over what they may be at, and none at what lasts a moment. */
function onePerPart(cases: readonly Case[]): Case[] {
  const parts = [...new Set(cases.map(({ part }) => part))];
  return parts.flatMap((part, index) => {
    const ofPart = cases.filter((one) => one.part === part);
    return ofPart.slice(Math.floor(((index + 0.5) * ofPart.length) / parts.length)).slice(0, 1);
  });
}

/** With an account that renews its token at each run. */
async function openConnected(options: WorldOptions): Promise<RecoveryStage> {
  const stage = await openStage(options);
  try {
    return { ...stage, credentialId: await connectRenewing(stage) };
  } catch (error) {
    await stage.strike();
    throw error;
  }
}

/** Who kills at what lasts a few milliseconds goes before what it kills, as whose session the controller goes first. */
const session = '/proc/self/autogroup';
// Empty for who never was in a session of its own, to whom a write is refused.
const [, usual] = isRoot && existsSync(session) ? readFileSync(session, 'utf8').split(' nice ') : [];
if (usual && maySet(session, '-20')) after(() => writeFileSync(session, usual.trim()));

/** Not so where root is not all that it is elsewhere. */
function maySet(file: string, value: string): boolean {
  try {
    writeFileSync(file, value);
    return true;
  } catch {
    return false;
  }
}

suite('after a kill', { skip: !isRoot && 'needs root', timeout }, () => {
  let stage: RecoveryStage;
  before(async () => {
    stage = await openConnected({ config, dataMiB });
  });
  after(() => stage?.strike());

  losing(
    {
      ofRun: ['controller', 'hostd', 'agent', 'container', 'disk'],
      ofSignIn: ['controller', 'hostd', 'agent', 'container', 'x-server', 'browser', 'disk'],
      ofSandbox: ['controller', 'hostd', 'agent', 'container', 'x-server', 'browser', 'disk'],
    },
    () => stage,
  );
});

suite('after the loss of a server', { skip: isRoot ? skipTestServers : 'needs root', timeout }, () => {
  let stage: RecoveryStage;
  const started: TestServer[] = [];
  before(async () => {
    const [database, redis] = await Promise.all([startTestPostgres(), startTestRedis()]);
    started.push(database, redis);
    const env = {
      DATABASE_URL: database.url,
      REDIS_URL: redis.url,
      POLYDEV_MASTER_KEY: randomBytes(32).toString('base64url'),
    };
    stage = { ...(await openConnected({ config, env })), servers: { database, redis } };
  });
  after(async () => {
    await stage?.strike();
    await Promise.all(started.map((server) => server.remove()));
  });

  const servers = ['database', 'redis'] as const;
  losing({ ofRun: servers, ofSignIn: servers, ofSandbox: servers }, () => stage);

  test('the database is away for long: who asks is told to come back, what is under way goes on', () =>
    loseDatabase(stage, everyStage ? 60_000 : 2_000));
});
