/**
 * Gives out claimed sandboxes and takes them back. Who acquires one gets it booted, known to the egress gateway and
 * claimed for one purpose, and must release it, which destroys it. Behind it stand those that wait (pool/).
 */

import {
  boxContexts,
  limits,
  PolydevError,
  type Profile,
  type ProviderId,
  type Sandbox,
  type SandboxId,
  type SealedBox,
  type UserId,
} from '@polydev/protocol';
import { createKeyPair, openSealed, sealTo } from '@polydev/vault/box';
import { untilAborted } from '../abort.ts';
import type { AgentClient } from '../agent/client.ts';
import type { Clock } from '../clock.ts';
import type { Pool } from '../pool/pool.ts';
import type { AgentAccess } from '../services.ts';
import { whenHostIsThere } from './host-away.ts';
import type { KeyCase, Keys } from './keys.ts';
import { createLine, type Wanted } from './line.ts';
import type { Machine, Machines } from './machines.ts';
import type { Room, Space } from './room.ts';
import type { SandboxRow, SandboxRows } from './rows.ts';

/** Who is behind a source address, for the egress gateway. */
export interface EgressGrant {
  sandboxId: SandboxId;
  userId: UserId;
  provider: ProviderId;
  /** Something goes out or comes in. Called often. */
  onFlow?: () => void;
  /** A connection was refused. */
  onRefused: (refusal: PolydevError) => void;
}

export interface EgressRegistry {
  grant(sourceAddress: string, grant: EgressGrant): void;
  revoke(sourceAddress: string): void;
}

export interface AcquireRequest {
  profile: Profile;
  owner: NonNullable<Sandbox['owner']>;
  userId: UserId;
  provider: ProviderId;
  /** Of the credential that goes into it. */
  lentVersion?: number;
  /** Watch for a sign-in. */
  capture: boolean;
  /** Wait in line for as long as it takes when there is no room, instead of failing with `capacity` after a while. */
  wait: boolean;
  /** Aborting breaks off and destroys what there is; rejects with the signal's reason. */
  signal: AbortSignal;
  /** The wait is over. */
  onStarting?: () => Promise<void>;
  onFlow?: () => void;
}

export interface SandboxHandle {
  id: SandboxId;
  profile: Profile;
  /** Of the credential that went into it; null when none did. */
  lentVersion: number | null;
  agent: AgentClient;
  access: AgentAccess;
  /** For the agent of this sandbox alone. */
  seal(plaintext: Uint8Array): SealedBox;
  /** What this agent sealed. `agent_talks_nonsense` when it does not open. */
  open(box: SealedBox): Uint8Array;
  /** Aborts with `sandbox_failed` when the sandbox is no more. */
  gone: AbortSignal;
  /** The last connection that it was refused. `egress_refused`, saying which. */
  refusal(): PolydevError | null;
  /** Destroys it. Resolves when it is gone, or would not go yet and is seen to. Never rejects. */
  release(): Promise<void>;
  /** Leaves it as it is, for the controller that starts next. */
  letGo(): void;
}

export interface Sandboxes {
  acquire(request: AcquireRequest): Promise<SandboxHandle>;
  /**
   * For the start: takes up what waits, and destroys what an earlier controller left, but for what somebody will adopt:
   * the sandboxes that these own.
   */
  recover(owners: ReadonlySet<string>): Promise<void>;
  /** The sandbox that the owner had before this controller started; null when there is none alive. */
  adopt(owner: NonNullable<Sandbox['owner']>, onFlow?: () => void): Promise<SandboxHandle | null>;
  /**
   * How to reach a sandbox, whichever controller of this host holds it; null when it is gone or not claimed. Elsewhere
   * its address may be another's: `other_host`.
   */
  access(id: SandboxId): Promise<AgentAccess | null>;
  /** Destroys every sandbox that is held here and has not been let go, and those that wait if they are not to be kept. */
  stop(options: { keep: boolean }): Promise<void>;
}

export interface SandboxesDeps {
  machines: Machines;
  pool: Pool;
  room: Room;
  rows: SandboxRows;
  keyCase: KeyCase;
  /** See recovery/identity.ts. */
  host: string;
  egress: EgressRegistry;
  /** Those that the driver has. */
  listed(): Promise<SandboxId[]>;
  clock: Clock;
}

/** What is there for who has a turn: one that waited and is being woken, or space for a new one. */
interface Turn {
  waking: Promise<Machine | null> | null;
  space: Space | null;
}

interface Claimed extends Pick<SandboxHandle, 'lentVersion'> {
  machine: Machine;
  keys: NonNullable<Keys['claimed']>;
  grant: Omit<EgressGrant, 'onRefused'>;
  /** Frees its place in the line. */
  leave(): void;
}

export function createSandboxes(deps: SandboxesDeps): Sandboxes {
  const { machines, pool, room, rows, keyCase, egress, clock } = deps;
  const held = new Map<SandboxId, SandboxHandle>();
  let left: SandboxRow[] = [];

  const line = createLine<Turn>({ turnOf, unused, isBusy: room.isBusy, clock });
  room.onFree(line.look);

  async function turnOf({ profile, signal }: Wanted): Promise<Turn | null> {
    const waking = pool.take(profile, signal);
    waking?.catch(() => {}); // Heard by who uses it.
    const space = waking ? null : await room.find(profile, { memoryMiB: limits.hostFreeMiB });
    if (waking || space) return { waking, space };
    // One that waits for somebody to want it gives way to who wants another.
    if (!room.isBusy()) await pool.makeRoom(profile);
    return null;
  }

  function unused({ waking, space }: Turn): void {
    space?.free();
    waking?.then((machine) => machine?.destroy()).catch(() => {});
  }

  /** Where the host service was away, or one that waited is not well, with whatever is there then. */
  async function claimed(request: AcquireRequest, turn: Turn, leave: () => void): Promise<SandboxHandle> {
    const { profile, owner, userId, provider, signal } = request;
    let first: Turn | undefined = turn;
    const find = async () => {
      const { waking, space } = first ?? { waking: pool.take(profile, signal), space: null };
      first = undefined;
      const waited = await waking;
      if (waited) return { machine: waited, hasWaited: true };
      if (!space) await room.freeMiB(); // So that nothing is begun while the host service is away.
      const purpose = { owner, userId, provider };
      const made = await machines.make({ profile, purpose, signal, space: space ?? room.take(profile) });
      return { machine: made, hasWaited: false };
    };
    for (;;) {
      const { machine, hasWaited } = await whenHostIsThere(find, { signal, forMs: limits.hostAwayMs });
      try {
        return await claim(machine, request, leave);
      } catch (error) {
        await machine.destroy();
        // That one died while it waited says nothing of the next.
        if (!hasWaited || signal.aborted) throw error;
      }
    }
  }

  async function claim(machine: Machine, request: AcquireRequest, leave: () => void): Promise<SandboxHandle> {
    const { id, token, agent } = machine;
    const { owner, userId, provider, lentVersion = null, capture, signal, onFlow } = request;
    const keys = createKeyPair();
    const claimed = agent.claim({ provider, controllerPublicKey: keys.publicKey, capture });
    const { agentPublicKey } = await untilAborted(claimed, AbortSignal.any([signal, machine.gone]));
    const known = { privateKey: keys.privateKey, agentPublicKey };
    const set = { owner, userId, provider, lentVersion, keys: keyCase.seal(id, { token, claimed: known }) };
    // Another controller, which missed this one for long, has given it up.
    if (!(await rows.move(id, 'claimed', { set })))
      throw new PolydevError('sandbox_failed', 'The sandbox was given up while it waited.');
    signal.throwIfAborted();
    const grant = { sandboxId: id, userId, provider, ...(onFlow && { onFlow }) };
    return handleOf({ machine, keys: known, lentVersion, grant, leave });
  }

  function handleOf({ machine, keys, lentVersion, grant, leave }: Claimed): SandboxHandle {
    const { id, profile, address, token, agent, gone } = machine;
    let refusal: PolydevError | null = null;
    const onRefused = (error: PolydevError) => {
      refusal = error;
    };
    egress.grant(address.source, { ...grant, onRefused });
    let released: Promise<void> | undefined;
    const handle: SandboxHandle = {
      ...{ id, profile, lentVersion, agent, gone },
      access: { ...address.agent, token },
      seal: (plaintext) => sealTo(keys.agentPublicKey, plaintext, boxContexts.toAgent),
      open: (box) => openFromAgent(keys.privateKey, box),
      refusal: () => refusal,
      release() {
        released ??= (async () => {
          egress.revoke(address.source); // Before the address can belong to another.
          await machine.destroy();
          held.delete(id);
          leave();
        })();
        return released;
      },
      letGo() {
        egress.revoke(address.source);
        held.delete(id);
      },
    };
    held.set(id, handle);
    return handle;
  }

  async function acquire(request: AcquireRequest): Promise<SandboxHandle> {
    pool.wanted(request.profile);
    const { turn, giveBack } = await line.wait(request);
    let used = false;
    try {
      await request.onStarting?.();
      used = true;
      return await claimed(request, turn, giveBack);
    } catch (error) {
      if (!used) unused(turn);
      giveBack();
      throw error;
    }
  }

  return {
    acquire,

    async recover(owners) {
      const own = await rows.own();
      left = own.filter(
        ({ owner, state, keys }) => state === 'claimed' && keys !== null && owner !== null && owners.has(owner),
      );
      const kept = new Set(left.map(({ id }) => id));
      for (const row of own) {
        if (row.owner !== null) continue;
        const machine = await machines.adopt(row);
        if (!machine) continue;
        pool.adopt(machine);
        kept.add(machine.id);
      }
      // One that was still booting when its controller died is in no list, but has a row.
      const found = new Set([...(await deps.listed()), ...own.map(({ id }) => id)]);
      await Promise.all([...found].filter((id) => !kept.has(id)).map((id) => machines.destroy(id)));
    },

    async adopt(wanted, onFlow) {
      const row = left.find(({ owner }) => owner === wanted);
      if (!row?.userId || !row.provider || !row.keys) return null;
      left = left.filter((other) => other !== row);
      const machine = await machines.adopt(row);
      const claimed = machine && keyCase.open(row.id, row.keys).claimed;
      if (machine && claimed) {
        const { userId, provider, lentVersion } = row;
        const grant = { sandboxId: row.id, userId, provider, ...(onFlow && { onFlow }) };
        return handleOf({ machine, keys: claimed, lentVersion, grant, leave: line.hold(userId) });
      }
      await machines.destroy(row.id);
      return null;
    },

    async access(id) {
      const here = held.get(id);
      if (here) return here.access;
      const row = await rows.find(id);
      if (row?.state !== 'claimed' || !row.address || !row.keys) return null;
      if (row.host !== deps.host)
        throw new PolydevError('other_host', 'This desktop runs on another host: open it there.');
      return { ...row.address.agent, token: keyCase.open(id, row.keys).token };
    },

    async stop({ keep }) {
      machines.stop();
      line.stop();
      await pool.stop({ keep });
      await Promise.all([...held.values()].map(({ release }) => release()));
    },
  };
}

function openFromAgent(privateKey: string, box: SealedBox): Uint8Array {
  try {
    return openSealed(privateKey, box, boxContexts.toController);
  } catch (cause) {
    throw new PolydevError('agent_talks_nonsense', 'The sandbox sent a sealed box that does not open.', { cause });
  }
}
