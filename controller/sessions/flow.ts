/**
 * One sign-in from its first state to its last. Two things go on side by side: `listen` hears what happens in the
 * desktop and stores what it captured; `settle` waits for a capture, proves it, and connects.
 */

import { type AgentEvent, limits, PolydevError } from '@polydev/protocol';
import type { Provider } from '@polydev/providers/provider';
import { untilAborted } from '../abort.ts';
import type { Clock } from '../clock.ts';
import { type Captured, judgeCaptured } from '../credentials/bundle.ts';
import { createRedact, type Redact } from '../credentials/redact.ts';
import type { Vault } from '../credentials/vault.ts';
import { isHandedOver } from '../recovery/hand-over.ts';
import { prove } from '../runs/proof.ts';
import type { SandboxHandle } from '../sandboxes/sandboxes.ts';
import type { EventLog } from '../store/events.ts';
import { stillOurs } from '../store/mover.ts';
import { storable } from '../store/storable.ts';
import { isUniqueViolation } from '../store/unique-violation.ts';
import { type Capture, type Captures, createCaptures } from './captures.ts';
import { createDeadline } from './deadline.ts';
import type { SessionMachine, SessionRow } from './machine.ts';
import { createSteps, type Steps } from './steps.ts';

/** A desktop that has more to tell than this is up to no good. */
const maxAgentEvents = 5_000;
/** A proof may fail because the tool signed in once more meanwhile; this often it is tried in all. */
const maxProofs = 3;

export interface FlowDeps {
  machine: SessionMachine;
  events: EventLog;
  vault: Vault;
  provider: Provider;
  verify: 'run' | 'off';
  clock: Clock;
  now: () => number;
  /** From now on nothing that is shown may hold these. */
  hide(redact: Redact): void;
  /** Something has happened in the desktop. */
  onProgress(): void;
  /** Sees to it that the session has this long before it expires. */
  needTime(timeMs: number): Promise<void>;
}

/**
 * Resolves when connected. Rejects with why not; when the session was ended by others, with the reason of `stop` or
 * `notOurs`.
 * Goes on where an earlier controller left the session.
 */
export async function signIn(
  deps: FlowDeps,
  session: SessionRow,
  sandbox: SandboxHandle,
  stop: AbortSignal,
): Promise<void> {
  const over = new AbortController();
  const signal = AbortSignal.any([stop, sandbox.gone, over.signal]);
  const captures = createCaptures({ ...deps, session, sandbox });
  const steps = createSteps(deps.machine, session.id, session.state);
  await captures.recall();
  // A proof that nobody listens to any more would change the credential beside the next one.
  if (session.state === 'verifying') await sandbox.agent.stopExecs();
  const listening = new AbortController();
  const heard = listen(deps, session, { sandbox, captures, steps }, AbortSignal.any([signal, listening.signal]));
  const stopListening = async () => {
    listening.abort();
    await heard;
  };
  const late = Promise.withResolvers<never>();
  const deadline = createDeadline(deps.clock, () =>
    late.reject(new PolydevError('sandbox_failed', 'The desktop did not show its terminal.')),
  );
  deadline.set(deps.now() + limits.sandboxBootMs);
  void steps.ready.then(deadline.clear);
  try {
    const settled = settle(deps, session, { sandbox, captures, steps, stopListening }, signal);
    // Listening ends by itself only when it fails.
    await Promise.race([settled, heard.then(() => settled), late.promise]);
  } finally {
    deadline.clear();
    over.abort(new PolydevError('session_over', 'The sign-in has ended.'));
    await heard.catch(() => {});
    if (!isHandedOver(stop)) await captures.discard();
  }
}

interface Parts {
  sandbox: SandboxHandle;
  captures: Captures;
  steps: Steps;
}

async function listen(deps: FlowDeps, session: SessionRow, parts: Parts, signal: AbortSignal): Promise<void> {
  const { sandbox, captures, steps } = parts;
  const append = (event: Parameters<typeof deps.events.append<SessionRow['id']>>[1]) =>
    deps.events.append(session.id, storable(event));

  async function take(event: AgentEvent): Promise<void> {
    if (event.type === 'desktop') {
      await append({ type: 'desktop', part: event.part, up: event.up });
      if (event.part === 'terminal' && event.up) await steps.reach('ready');
    } else if (event.type === 'opened') {
      await append({ type: 'opened', page: event.page });
      await steps.reach('signing_in');
    } else if (event.type === 'credential') {
      await append({ type: 'credential_found' });
      await captures.take(event);
      await append({ type: 'sealed', tookMs: Math.max(0, deps.now() - event.seenAtMs) });
      await steps.reach('captured');
    }
  }

  for await (const event of sandbox.agent.events(session.agentEvents, signal)) {
    if (event.n > maxAgentEvents) throw new PolydevError('agent_talks_nonsense', 'The desktop never stops talking.');
    await take(event);
    deps.onProgress();
    stillOurs(await deps.machine.change(session.id, { agentEvents: event.n }));
  }
}

async function settle(
  deps: FlowDeps,
  session: SessionRow,
  parts: Parts & { stopListening(): Promise<void> },
  signal: AbortSignal,
): Promise<void> {
  const { captures, steps } = parts;
  let capture: Capture | null = null;
  for (let proofs = 1; ; proofs += 1) {
    capture = await untilAborted(captures.next(capture), signal);
    await steps.reach('captured');
    if (deps.verify === 'off') break;
    await deps.needTime(2 * limits.proofMs);
    await steps.reach('verifying');
    const { agent } = parts.sandbox;
    const redact = createRedact(capture.bundle);
    const proving = prove({ agent, provider: deps.provider, kind: 'files', redact, gone: signal });
    const proof = await untilAborted(proving, signal);
    if (proof.accepted) {
      await deps.events.append(session.id, { type: 'proof', text: storable(proof.text) });
      break;
    }
    if (captures.newest === capture || proofs === maxProofs) {
      // Where nobody was reached, nothing is wrong with the account.
      const code = proof.failure?.code === 'provider_unreachable' ? proof.failure.code : 'proof_failed';
      throw new PolydevError(code, `The tool could not use the sign-in: ${proof.text}`, { cause: proof.failure });
    }
    await steps.goBack();
  }
  await parts.stopListening();
  const latest = await collectLatest(deps, parts, signal);
  await connect(deps, session, parts.captures, latest);
}

/** What the tool holds now: the proof may have rotated it. */
async function collectLatest(deps: FlowDeps, { sandbox, captures }: Parts, signal: AbortSignal): Promise<Captured> {
  const { status, sealed } = await untilAborted(sandbox.agent.collect(), signal);
  if (status === 'valid' && sealed) return judgeCaptured(sandbox.open(sealed), deps.provider);
  // Half-written: what was proved is the best there is.
  if (status === 'incomplete' && captures.newest) return captures.newest;
  throw new PolydevError('proof_failed', 'The tool gave up the sign-in right after it.');
}

/** State and vault change together: nobody is connected without a credential, or the other way round. */
async function connect(
  { machine, vault }: FlowDeps,
  session: SessionRow,
  captures: Captures,
  latest: Captured,
): Promise<void> {
  const unproven = captures.newest?.stored;
  if (!unproven) throw new Error('Nothing was captured.');
  const attempt = () =>
    machine.move(session.id, 'connected', {
      also: async (tx) => ({ credentialId: (await vault.promote(tx, unproven, latest)).id }),
    });
  // Another sign-in may have taken the label in the same moment: then this one replaces it.
  const moved = await attempt().catch((error) => {
    if (isUniqueViolation(error)) return attempt();
    throw error;
  });
  stillOurs(moved);
}
