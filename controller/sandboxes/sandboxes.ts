/**
 * Gives out claimed sandboxes and takes them back. Who acquires one gets it booted, known to the egress gateway and
 * claimed for one purpose, and must release it, which destroys it. Later a warm pool may stand behind `acquire`.
 */

import { randomBytes } from 'node:crypto';
import type { Driver } from '@polydev/drivers/contract';
import {
  boxContexts,
  newId,
  PolydevError,
  type Profile,
  type ProviderId,
  type Sandbox,
  type SandboxAddress,
  type SandboxExit,
  type SandboxId,
  type SandboxSpec,
  type SealedBox,
  type UserId,
} from '@polydev/protocol';
import { createKeyPair, openSealed, sealTo } from '@polydev/vault/box';
import type { BaseLogger } from 'pino';
import { untilAborted } from '../abort.ts';
import { type AgentClient, createAgentClient } from '../agent/client.ts';
import type { AgentAccess } from '../services.ts';
import type { SandboxRows } from './rows.ts';
import { createSlots } from './slots.ts';

/** Who is behind a source address, for the egress gateway. */
export interface EgressGrant {
  sandboxId: SandboxId;
  userId: UserId;
  provider: ProviderId;
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
  /** Watch for a sign-in. */
  capture: boolean;
  /** Wait in line when all sandboxes are in use, instead of failing with `capacity`. */
  wait: boolean;
  /** Aborting breaks off and destroys what there is; rejects with the signal's reason. */
  signal: AbortSignal;
  /** The wait is over. */
  onStarting?: () => Promise<void>;
}

export interface SandboxHandle {
  id: SandboxId;
  profile: Profile;
  agent: AgentClient;
  access: AgentAccess;
  /** For the agent of this sandbox alone. */
  seal(plaintext: Uint8Array): SealedBox;
  /** What this agent sealed. `agent_talks_nonsense` when it does not open. */
  open(box: SealedBox): Uint8Array;
  /** Aborts with `sandbox_failed` when the sandbox is no more. */
  gone: AbortSignal;
  /** Destroys it. Never rejects: what would not go is logged and swept at the next start. */
  release(): Promise<void>;
}

export interface Sandboxes {
  acquire(request: AcquireRequest): Promise<SandboxHandle>;
  /** Whose sandbox it is; null for one that is not held here. */
  userOf(id: SandboxId): UserId | null;
  /** For the start: destroys every sandbox that an earlier controller left behind. */
  sweep(): Promise<void>;
  /** Destroys every sandbox that is held here. */
  stop(): Promise<void>;
}

export interface SandboxesDeps {
  driver: Driver;
  rows: SandboxRows;
  egress: EgressRegistry;
  /** Hash of the golden image to use; null when there is none. */
  image(): Promise<string | null>;
  limits: Readonly<Record<Profile, SandboxSpec['limits']>>;
  maxSandboxes: number;
  /** PEM. */
  extraCa?: string | undefined;
  timeZone?: string | undefined;
  log: Pick<BaseLogger, 'warn' | 'error'>;
  now?: () => number;
}

interface Held {
  userId: UserId;
  gone: AbortController;
  release(): Promise<void>;
}

export function createSandboxes(deps: SandboxesDeps): Sandboxes {
  const { driver, rows, egress, log, now = Date.now } = deps;
  const slots = createSlots(deps.maxSandboxes);
  const held = new Map<SandboxId, Held>();

  const stopListening = driver.onExit(({ id, reason }: SandboxExit) => {
    held
      .get(id)
      ?.gone.abort(new PolydevError('sandbox_failed', `The sandbox ${reason === 'died' ? 'died' : 'was destroyed'}.`));
  });

  async function destroy(id: SandboxId): Promise<void> {
    try {
      await driver.destroy(id);
      await rows.remove(id);
    } catch (error) {
      log.error({ err: error, sandbox: id }, 'A sandbox could not be destroyed completely.');
      await rows.move(id, 'failed').catch(() => {});
    }
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

  async function acquire(request: AcquireRequest): Promise<SandboxHandle> {
    const freeSlot = request.wait ? await slots.wait(request.signal) : slots.take();
    const id = newId('sandbox');
    const token = randomBytes(32).toString('base64url');
    const gone = new AbortController();
    const signal = AbortSignal.any([request.signal, gone.signal]);
    let address: SandboxAddress | undefined;

    let released: Promise<void> | undefined;
    const release = () => {
      released ??= (async () => {
        await rows
          .move(id, 'stopping')
          .catch((error) => log.warn({ err: error, sandbox: id }, 'A row was not written.'));
        // Before the address can belong to another.
        if (address) egress.revoke(address.source);
        await destroy(id);
        gone.abort(new PolydevError('sandbox_gone', 'The sandbox was destroyed.'));
        held.delete(id);
        freeSlot();
      })();
      return released;
    };
    held.set(id, { userId: request.userId, gone, release });

    try {
      await request.onStarting?.();
      const image = await deps.image();
      if (!image) throw new PolydevError('image_missing', 'There is no golden image yet.');
      const { profile, owner, userId, provider, capture } = request;
      await rows.insert({ id, profile, owner, state: 'booting', createdAtMs: now() });
      address = await boot({ id, profile, image, token, limits: deps.limits[profile] }, signal);
      await rows.move(id, 'idle');
      egress.grant(address.source, { sandboxId: id, userId, provider });
      const agent = createAgentClient({ endpoint: address.agent, token });
      const keys = createKeyPair();
      const { agentPublicKey } = await untilAborted(
        agent.claim({
          provider,
          egress: address.egress,
          controllerPublicKey: keys.publicKey,
          capture,
          ...(deps.extraCa !== undefined && { extraCa: deps.extraCa }),
          ...(deps.timeZone !== undefined && { timeZone: deps.timeZone }),
        }),
        signal,
      );
      await rows.move(id, 'claimed');
      signal.throwIfAborted();
      return {
        id,
        profile,
        agent,
        access: { ...address.agent, token },
        seal: (plaintext) => sealTo(agentPublicKey, plaintext, boxContexts.toAgent),
        open: (box) => openFromAgent(keys.privateKey, box),
        gone: gone.signal,
        release,
      };
    } catch (error) {
      await release();
      throw error;
    }
  }

  return {
    acquire,
    userOf: (id) => held.get(id)?.userId ?? null,
    async sweep() {
      // One that was still booting when its controller died is in no list, but has a row.
      const found = [...(await driver.list()), ...(await rows.list())].map(({ id }) => id);
      await Promise.all([...new Set(found)].filter((id) => !held.has(id)).map(destroy));
    },
    async stop() {
      await Promise.all([...held.values()].map(({ release }) => release()));
      stopListening();
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
