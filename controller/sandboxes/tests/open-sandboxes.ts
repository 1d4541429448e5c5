/** Sandboxes of the fake driver on a test's own store, without a pool. */

import { createFakeDriver } from '@polydev/drivers/fake/driver';
import { newId, type SandboxId } from '@polydev/protocol';
import * as box from '@polydev/vault/box';
import { createMasterKey } from '@polydev/vault/master-key';
import { pino } from 'pino';
import { createDemand } from '../../pool/demand.ts';
import { createPool } from '../../pool/pool.ts';
import { openTestStore } from '../../store/testing.ts';
import { createJumpingClock } from '../../testing/clock.ts';
import { createKeyCase } from '../keys.ts';
import { createMachines } from '../machines.ts';
import { createRoom } from '../room.ts';
import { createSandboxRows } from '../rows.ts';
import { type AcquireRequest, createSandboxes, type EgressGrant } from '../sandboxes.ts';

export const never = new AbortController().signal;
const limits = { memoryMiB: 256, cpus: 1, processes: 64, diskMiB: 64, homeMiB: 64 };

interface Options {
  driver?: ReturnType<typeof createFakeDriver>;
  extraCa?: string;
  atMost?: number;
}

export async function openSandboxes(t: Parameters<typeof openTestStore>[0], options: Options = {}) {
  const { driver = createFakeDriver({ box }), extraCa, atMost = 2 } = options;
  const store = await openTestStore(t);
  const { events } = store;
  const controller = newId('controller');
  const rows = createSandboxRows(store, events, { controller, host: 'here' });
  const keyCase = createKeyCase(createMasterKey());
  const known = new Map<string, EgressGrant>();
  const clock = createJumpingClock();
  let logged = '';
  const write = (line: string) => {
    logged += line;
  };
  const log = pino({}, { write });
  const profiles = { desktop: limits, headless: limits };
  const image = async () => 'f'.repeat(64);
  const open = () => {
    const room = createRoom({ atMost, atOnce: atMost, freeMiB: async () => (await driver.memory()).freeMiB });
    const machines = createMachines({
      ...{ driver, rows, keyCase, room, image, extraCa, clock, log },
      limits: profiles,
    });
    return { room, machines };
  };
  /** One that is up and waits for nobody yet. */
  const makeIdle = async () => {
    const { room, machines } = open();
    return await machines.make({ profile: 'headless', signal: never, space: room.take('headless') });
  };
  /** As a controller makes them when it starts. */
  const start = () => {
    const { room, machines } = open();
    const none = { min: 0, max: 0 };
    const settings = { desktop: none, headless: none, reserveMiB: 0, memoryMiB: 0, maxAgeMs: 60_000 };
    const pool = createPool({
      ...{ machines, room, settings, clock, log },
      demand: createDemand(settings),
    });
    return createSandboxes({
      ...{ machines, pool, room, rows, keyCase, clock, host: 'here' },
      egress: {
        grant: (source, grant) => void known.set(source, grant),
        revoke: (source) => void known.delete(source),
      },
      listed: async () => (await driver.list()).map(({ id }) => id),
    });
  };
  const sandboxes = start();
  const request: AcquireRequest = {
    profile: 'headless',
    owner: newId('run'),
    userId: newId('user'),
    provider: 'openai_codex',
    capture: false,
    wait: false,
    signal: never,
  };
  t.after(async () => {
    await sandboxes.stop({ keep: false }).catch(() => {});
    await driver.close({ keep: false }).catch(() => {});
  });
  const states = async (id: SandboxId) => (await events.read(id, 0)).map(({ event }) => event.state);
  return {
    sandboxes,
    start,
    makeIdle,
    db: store.db,
    driver,
    rows,
    known,
    request,
    states,
    keyCase,
    clock,
    logged: () => logged,
  };
}
