/** The first driver, and the only mock of the project: its sandboxes are agents in this process. Needs no root. */

import { type Endpoint, PolydevError, type SandboxId, type SandboxSpec } from '@polydev/protocol';
import type { LocalDriver } from '../contract.ts';
import { createMemoryJournal, type Journal } from '../journal.ts';
import type { Kind } from '../kind.ts';
import { createLifecycle } from '../lifecycle.ts';
import type { Resource, StepListener } from '../resources.ts';
import { type Box, type FakeAgent, startFakeAgent } from './agent.ts';

export interface FakeScript {
  /** Called for each sandbox before its `create` resolves. A throw makes the start fail. */
  onCreate?: (agent: FakeAgent) => void | Promise<void>;
}

export interface FakeDriver extends LocalDriver {
  /** The agent of a sandbox; throws when there is none. */
  agentOf(id: SandboxId): FakeAgent;
  /** Of all sandboxes, the oldest first. */
  agents(): FakeAgent[];
  /** Makes a sandbox die as if by itself. */
  kill(id: SandboxId): Promise<void>;
}

export interface FakeDeps {
  /** The module `@polydev/vault/box`. */
  box: Box;
  script?: FakeScript;
  /** Where sandboxes are told that they reach the gateway. */
  egress?: Endpoint;
  /** Of memory; plenty by default. */
  freeMiB?: number;
  /** In memory by default. */
  journal?: Journal;
  onStep?: StepListener;
}

interface FakeSandbox {
  agent: FakeAgent | undefined;
  console: string;
  paused: boolean;
  dead: boolean;
  onDeath: Set<() => void>;
}

/** The discard port: by default there is no gateway. */
const nowhere: Endpoint = { host: '127.0.0.1', port: 9 };

/** Stands in an address until the agent has a port. */
const portLater = 1;

export function createFakeDriver(deps: FakeDeps): FakeDriver {
  const sandboxes = new Map<SandboxId, FakeSandbox>();
  let count = 0;

  function found(id: SandboxId): FakeSandbox {
    const sandbox = sandboxes.get(id);
    if (!sandbox) throw new PolydevError('sandbox_gone', 'There is no such sandbox.');
    return sandbox;
  }

  function agentOf(id: SandboxId): FakeAgent {
    const { agent } = found(id);
    if (!agent) throw new PolydevError('sandbox_gone', 'The sandbox has no agent.');
    return agent;
  }

  async function kill(id: SandboxId): Promise<void> {
    const sandbox = found(id);
    sandbox.dead = true;
    await sandbox.agent?.close();
    for (const onDeath of [...sandbox.onDeath]) onDeath();
  }

  function server(id: SandboxId, address: { agent: { port: number } }): Resource {
    return {
      name: `agent ${id}`,
      async acquire(spec: SandboxSpec) {
        const sandbox = found(id);
        sandbox.agent = await startFakeAgent(spec, deps.box);
        sandbox.console = 'fake agent started\n';
        address.agent.port = sandbox.agent.endpoint.port;
      },
      async release() {
        await sandboxes.get(id)?.agent?.close();
        sandboxes.delete(id);
      },
      remains: async () => (sandboxes.has(id) ? [`agent ${id}`] : []),
    };
  }

  const kind: Kind = {
    name: 'fake',
    check: async () => undefined,
    reserve(id) {
      sandboxes.set(id, { agent: undefined, console: '', paused: false, dead: false, onDeath: new Set() });
      count += 1;
      const source = `127.1.${(count >> 8) & 255}.${count & 255}`;
      return { agent: { host: '127.0.0.1', port: portLater }, egress: deps.egress ?? nowhere, source };
    },
    take: () => undefined,
    free: () => undefined,
    resources: (record) => [server(record.id, record.address)],
    start: async () => undefined,
    async ready({ id }) {
      await deps.script?.onCreate?.(agentOf(id));
    },
    watch({ id }, onDeath) {
      const sandbox = sandboxes.get(id);
      if (!sandbox || sandbox.dead) onDeath();
      sandbox?.onDeath.add(onDeath);
      return () => void sandbox?.onDeath.delete(onDeath);
    },
    paused: async ({ id }) => sandboxes.get(id)?.paused ?? false,
    console: async ({ id }) => sandboxes.get(id)?.console ?? '',
    survived: async () => false,
    open: async () => undefined,
    async close() {
      await Promise.all([...sandboxes.values()].map(({ agent }) => agent?.close()));
      sandboxes.clear();
    },
  };

  const lifecycle = createLifecycle(kind, { ...deps, journal: deps.journal ?? createMemoryJournal() });

  async function setPaused(id: SandboxId, paused: boolean): Promise<void> {
    const sandbox = found(lifecycle.live(id).id);
    sandbox.paused = paused;
    sandbox.agent?.setPaused(paused);
  }
  const unsupported = () => Promise.reject(new PolydevError('unsupported', 'The fake makes no snapshots.'));

  return {
    ...lifecycle,
    name: kind.name,
    preflight: async () => [{ name: 'nothing', ok: true, needed: true, found: 'the fake needs nothing' }],
    features: async () => ({ isolation: 'none', pause: true, snapshot: false, hibernate: false }),
    memory: async () => ({ freeMiB: deps.freeMiB ?? 64 * 1024 }),
    address: async (id) => lifecycle.live(id).address,
    pause: (id) => setPaused(id, true),
    resume: (id) => setPaused(id, false),
    snapshot: unsupported,
    restore: unsupported,
    agentOf,
    agents: () => [...sandboxes.values()].flatMap(({ agent }) => (agent ? [agent] : [])),
    kill,
  };
}
