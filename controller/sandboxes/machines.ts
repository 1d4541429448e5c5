/**
 * Makes sandboxes and destroys them: rows, driver, agent. What it makes is booted and prepared, and claimed by nobody
 * yet; what a controller that died had made can be taken up again.
 */

import { createHash, randomBytes } from 'node:crypto';
import type { Driver } from '@polydev/drivers/contract';
import {
  limits,
  newId,
  PolydevError,
  type Preparation,
  type Profile,
  type SandboxAddress,
  type SandboxExit,
  type SandboxId,
  type SandboxSpec,
  type SandboxState,
} from '@polydev/protocol';
import type { BaseLogger } from 'pino';
import { untilAborted } from '../abort.ts';
import { type AgentClient, createAgentClient } from '../agent/client.ts';
import type { Clock } from '../clock.ts';
import { reasonOf } from '../reason.ts';
import type { AgentAccess } from '../services.ts';
import { createDestruction } from './destruction.ts';
import { whenHostIsThere } from './host-away.ts';
import type { KeyCase } from './keys.ts';
import type { Room, Space } from './room.ts';
import type { NewSandbox, SandboxRow, SandboxRows } from './rows.ts';
import { settled } from './settled.ts';

export interface Machine {
  id: SandboxId;
  profile: Profile;
  createdAtMs: number;
  address: SandboxAddress;
  token: string;
  agent: AgentClient;
  /** Aborts with `sandbox_failed` when the sandbox is no more. */
  gone: AbortSignal;
  /** Resolves when it has started all that it starts by itself; rejects when it never does. */
  settled: Promise<void>;
  /** Resolves when it is gone, or would not go yet and is seen to. Never rejects. */
  destroy(): Promise<void>;
}

export interface MakeRequest {
  profile: Profile;
  /** For it; given back when nothing of it is left. */
  space: Space;
  /** Aborting breaks off and destroys what there is; rejects with the signal's reason. */
  signal: AbortSignal;
  /** Undefined: it is to wait for one. */
  purpose?: Pick<NewSandbox, 'owner' | 'userId' | 'provider'>;
}

export interface Machines {
  make(request: MakeRequest): Promise<Machine>;
  /** One that a controller made before; null when it is not alive any more, or not what would be made now. */
  adopt(row: SandboxRow): Promise<Machine | null>;
  /** Nothing of it moves until it is woken. Without effect where the driver cannot. May be asked again. */
  pause(machine: Machine): Promise<void>;
  /** Rejects when it does not answer before the signal aborts. */
  wake(machine: Machine, signal: AbortSignal): Promise<void>;
  /** The same for something that is no machine of ours, by its name alone. */
  destroy(id: SandboxId): Promise<void>;
  /** What would not go is left to the next start. */
  stop(): void;
}

export interface MachinesDeps {
  driver: Driver;
  rows: SandboxRows;
  keyCase: KeyCase;
  room: Pick<Room, 'take'>;
  /** Hash of the golden image to use; null when there is none. */
  image(): Promise<string | null>;
  limits: Readonly<Record<Profile, SandboxSpec['limits']>>;
  /** PEM. */
  extraCa?: string | undefined;
  timeZone?: string | undefined;
  /** Told of each that was taken up. */
  adopted?: (id: SandboxId, access: AgentAccess) => void;
  clock: Clock;
  log: Pick<BaseLogger, 'warn' | 'error'>;
}

const adoptable: readonly SandboxState[] = ['idle', 'hibernated', 'claimed'];
const noPurpose = { owner: null, userId: null, provider: null };

export function createMachines(deps: MachinesDeps): Machines {
  const { driver, rows, keyCase, room, clock, log } = deps;
  const { now } = clock;
  const alive = new Map<SandboxId, { gone: AbortController; space: Space }>();
  const stopping = new AbortController();

  const stopListening = driver.onExit(({ id, reason }: SandboxExit) => {
    const died = new PolydevError('sandbox_failed', `The sandbox ${reason === 'died' ? 'died' : 'was destroyed'}.`);
    alive.get(id)?.gone.abort(died);
  });

  const destruction = createDestruction({
    ...{ driver, rows, clock, log },
    onGone(id) {
      const present = alive.get(id);
      alive.delete(id);
      present?.gone.abort(new PolydevError('sandbox_gone', 'The sandbox was destroyed.'));
      present?.space.free();
    },
  });
  const { destroy } = destruction;

  function enter(id: SandboxId, space: Space): AbortSignal {
    const gone = new AbortController();
    alive.set(id, { gone, space });
    return gone.signal;
  }

  function machineOf(
    identity: Pick<Machine, 'id' | 'profile' | 'createdAtMs' | 'address' | 'token'>,
    gone: AbortSignal,
  ): Machine {
    const { id, profile, address, token } = identity;
    const agent = createAgentClient({ endpoint: address.agent, token });
    const space = alive.get(id)?.space;
    const watching = settled({ profile, agent, gone }, () => space?.up(), stopping.signal);
    const settle = () => space?.settle();
    watching.then(settle, settle);
    return { ...identity, agent, gone, settled: watching, destroy: () => destroy(id) };
  }

  /** Boots one. A broken-off boot is waited for by nobody, but what it makes is destroyed. */
  async function boot(spec: SandboxSpec, signal: AbortSignal): Promise<SandboxAddress> {
    const created = driver.create(spec);
    try {
      return await untilAborted(created, signal);
    } catch (error) {
      if (signal.aborted) created.then(() => destroy(spec.id)).catch(() => {});
      throw error;
    }
  }

  function preparationOf({ egress }: SandboxAddress): Preparation {
    const { extraCa, timeZone } = deps;
    return { egress, ...(extraCa !== undefined && { extraCa }), ...(timeZone !== undefined && { timeZone }) };
  }

  function recipeOf(profile: Profile, image: string | null): string {
    const { limits, extraCa, timeZone } = deps;
    return createHash('sha256')
      .update(JSON.stringify([image, limits[profile], extraCa, timeZone]))
      .digest('base64url');
  }

  return {
    async make({ profile, space, purpose = noPurpose, signal: asked }) {
      const id = newId('sandbox');
      const token = randomBytes(32).toString('base64url');
      const gone = enter(id, space);
      const signal = AbortSignal.any([asked, gone]);
      try {
        const image = await deps.image();
        if (!image) throw new PolydevError('image_missing', 'There is no golden image yet.');
        await rows.insert({
          id,
          profile,
          ...purpose,
          keys: keyCase.seal(id, { token, recipe: recipeOf(profile, image) }),
        });
        await rows.move(id, 'creating');
        const address = await boot({ id, profile, image, token, limits: deps.limits[profile] }, signal);
        const createdAtMs = now();
        await rows.move(id, 'booting', { set: { address } });
        const agent = createAgentClient({ endpoint: address.agent, token });
        await untilAborted(agent.prepare(preparationOf(address)), signal);
        await rows.move(id, 'idle');
        signal.throwIfAborted();
        return machineOf({ id, profile, createdAtMs, address, token }, gone);
      } catch (error) {
        space.settle(); // It may take long to go, and does not come up any more.
        if (!asked.aborted) await rows.move(id, 'failed', { reason: reasonOf(error) }).catch(() => {});
        await destroy(id);
        throw error;
      }
    },

    async adopt({ id, profile, address, keys, createdAtMs, state }) {
      if (!address || !keys || !adoptable.includes(state)) return null;
      const space = room.take(profile);
      space.settle(); // It is up since long ago.
      const gone = enter(id, space);
      try {
        const { token, recipe } = keyCase.open(id, keys);
        if (state !== 'claimed' && recipe !== recipeOf(profile, await deps.image())) return null;
        await whenHostIsThere(() => driver.resume(id), { signal: gone, forMs: limits.hostAwayMs });
        const machine = machineOf({ id, profile, createdAtMs, address, token }, gone);
        const look = () => machine.agent.health();
        // What lives here must not die of one answer that did not come.
        const { claimed } = await look().catch(look);
        if (state === 'hibernated') await rows.move(id, 'idle');
        if (claimed === (state === 'claimed')) {
          deps.adopted?.(id, { ...address.agent, token });
          return machine;
        }
      } catch (error) {
        log.warn({ err: error, sandbox: id }, 'A sandbox of before was not taken up again.');
      }
      return null;
    },

    async pause({ id }) {
      const { pause: can } = await driver.features();
      if (!can) return;
      await driver.pause(id);
      // One that was woken for somebody who did not want it any more still says so.
      if ((await rows.find(id))?.state === 'idle') await rows.move(id, 'hibernated');
    },

    async wake({ id, agent, gone }, signal) {
      const work = async () => {
        await driver.resume(id);
        await agent.health();
      };
      await untilAborted(work(), AbortSignal.any([gone, signal]));
    },

    destroy,

    stop() {
      stopping.abort();
      destruction.stop();
      stopListening();
    },
  };
}
