/**
 * Sees sandboxes from their start to their end. No sandbox is destroyed before what it shows is kept, unless what it
 * was for ended well, was given up, or was nothing yet.
 */

import {
  isId,
  PolydevError,
  type Reason,
  type Sandbox,
  type SandboxId,
  type SandboxMove,
  type SandboxOrOwnerId,
  type SandboxSpec,
  type SandboxState,
} from '@polydev/protocol';
import type { BaseLogger } from 'pino';
import type { Clock } from '../clock.ts';
import type { Redact } from '../credentials/redact.ts';
import { isWantedEnd } from '../failure-log.ts';
import { reasonOf } from '../reason.ts';
import { shownConsole } from '../sandboxes/console-text.ts';
import type { AgentAccess } from '../services.ts';
import type { Patience } from '../store/patience.ts';
import type { KeptLogs } from './kept-logs.ts';
import { type Look, lookAt } from './look.ts';
import type { FindFacts, SandboxFacts } from './sandbox-facts.ts';

type Owner = NonNullable<Sandbox['owner']>;

/** What was seen of a sandbox that is there; its texts are fit to be shown. */
export interface Seen extends Look {
  facts: SandboxFacts;
  image: string | null;
  moves: SandboxMove[];
}

export interface Witness {
  /** It has a row. */
  born(id: SandboxId, state: SandboxState): void;
  planned(spec: SandboxSpec): void;
  reachable(id: SandboxId, access: AgentAccess): void;
  /** It was there before this controller started. */
  adopted(id: SandboxId, access: AgentAccess): void;
  moved(id: SandboxId, state: SandboxState): void;
  /** It died, or did not come up. */
  failed(id: SandboxId, error: unknown): void;
  /** From now on nothing that is kept or shown of it may hold these. */
  hide(id: SandboxId, redact: Redact): void;
  /** Something has changed in it: looks a moment later, when that is painted, and not often. */
  glance(id: SandboxId): void;
  /**
   * Why what it was for, a sign-in or a run, was not done, or null when it was; to be told before the sandbox goes and before anybody hears of the end.
   * `sandbox` is unknown where there never was a whole one. Never rejects.
   */
  settle(owner: Owner, sandbox: SandboxId | undefined, failure: PolydevError | null): Promise<void>;
  /** It is about to be destroyed, perhaps not for the first time. Never rejects. */
  closing(id: SandboxId): Promise<void>;
  /** Nothing of it is left. */
  gone(id: SandboxId): void;
  /** As it is now, its picture only if it is wanted; null when it is not there. */
  see(id: SandboxOrOwnerId, wantsPicture: boolean): Promise<Seen | null>;
}

export interface WitnessDeps {
  console(id: SandboxId): Promise<string>;
  imageOf(id: SandboxId): Promise<string | null>;
  findFacts: FindFacts;
  /** What takes out the secrets that the vault holds for this sandbox's person and tool. */
  redactsFor(facts: SandboxFacts): Promise<Redact[]>;
  kept: KeptLogs;
  patience: Pick<Patience, 'insist'>;
  keepPictures: boolean;
  log: Pick<BaseLogger, 'warn'>;
  clock: Clock;
  lastLookMs?: number | undefined;
}

/** For a window to be painted. */
const glanceDelayMs = 1_000;
const glanceEveryMs = 5_000;

interface Watched {
  image: string | null;
  access?: AgentAccess;
  moves: SandboxMove[];
  redacts: Redact[];
  latest: Look;
  failure?: PolydevError;
  /** What it was for has ended, and what was to be kept is. */
  settled: boolean;
  callOffGlance?: (() => void) | undefined;
  glancedAtMs: number;
}

export function createWitness(deps: WitnessDeps): Witness {
  const { kept, patience, log, clock } = deps;
  const { now } = clock;
  const watched = new Map<SandboxId, Watched>();

  function watch(id: SandboxId): Watched {
    const subject = watched.get(id) ?? unseen();
    watched.set(id, subject);
    return subject;
  }

  async function look(id: SandboxId, subject: Watched, wantsPicture: boolean): Promise<Look> {
    const { access, latest } = subject;
    const asked = { console: () => deps.console(id), access, wantsPicture, withinMs: deps.lastLookMs };
    subject.latest = await lookAt(asked, latest);
    return subject.latest;
  }

  async function seeNow(
    facts: SandboxFacts,
    subject: Watched,
    wantsPicture: boolean,
    redactsFor = deps.redactsFor,
  ): Promise<Seen> {
    const seen = await look(facts.id, subject, wantsPicture && facts.profile === 'desktop');
    // After the look: what the tool made of a credential meanwhile is known by now.
    const redacts = [...subject.redacts, ...(await redactsFor(facts))];
    return {
      facts,
      image: subject.image ?? (await deps.imageOf(facts.id).catch(() => null)),
      moves: subject.moves,
      console: shownConsole(seen.console, redacts),
      journal: shownConsole(seen.journal, redacts),
      picture: seen.picture,
    };
  }

  async function keep(facts: SandboxFacts, subject: Watched, reason: Reason): Promise<void> {
    if (subject.settled) return;
    const patiently = () => patience.insist(() => deps.redactsFor(facts));
    const { console, journal, picture, image, moves } = await seeNow(facts, subject, deps.keepPictures, patiently);
    const { id: sandboxId, userId, sessionId, runId, profile, provider, createdAtMs } = facts;
    await kept.insert({
      ...{ sandboxId, userId, sessionId, runId, profile, provider, image, createdAtMs, reason, moves },
      ...{ console, journal, picture: deps.keepPictures ? picture : null },
    });
    subject.settled = true;
  }

  /** Why a sandbox of which nobody said how it ended is kept; null when it is not. */
  function reasonToKeep(
    { sessionId, runId, ended }: SandboxFacts,
    { failure }: Watched,
    known: boolean,
  ): Reason | null {
    const purpose = sessionId ?? runId;
    if (ended) return ended.reason && !isWantedEnd(ended.reason.code) ? ended.reason : null;
    if (failure) return reasonOf(failure);
    if (!purpose) return null;
    return reasonOf(
      known
        ? new PolydevError('sandbox_gone', 'The sandbox was destroyed.')
        : new PolydevError('controller_restarted', 'Polydev was restarted meanwhile.'),
    );
  }

  const findFacts = (id: SandboxId) => patience.insist(() => deps.findFacts(id));

  async function attempt(work: Promise<void>, id: SandboxOrOwnerId): Promise<void> {
    await work.catch((error) =>
      log.warn({ err: error, sandbox: id }, 'What is known of a sandbox that ended badly was not kept.'),
    );
  }

  return {
    born: (id, state) => void watch(id).moves.push({ atMs: now(), state }),

    planned({ id, image, token }) {
      const subject = watch(id);
      subject.image = image;
      subject.redacts.push((text) => text.replaceAll(token, '[secret]'));
    },

    reachable(id, access) {
      watch(id).access = access;
    },

    adopted(id, access) {
      const subject = watch(id);
      subject.access = access;
      subject.redacts.push((text) => text.replaceAll(access.token, '[secret]'));
    },

    moved: (id, state) => void watched.get(id)?.moves.push({ atMs: now(), state }),

    failed(id, error) {
      const subject = watched.get(id);
      if (!subject) return;
      const failure = error instanceof PolydevError ? error : new PolydevError('sandbox_failed', 'The sandbox failed.');
      subject.failure ??= failure;
      // What the driver saved of a machine that did not come up.
      const { console } = failure.details;
      if (typeof console === 'string') subject.latest = { ...subject.latest, console };
    },

    hide: (id, redact) => void watched.get(id)?.redacts.push(redact),

    glance(id) {
      const subject = watched.get(id);
      if (!subject || subject.callOffGlance) return;
      const delayMs = Math.max(glanceDelayMs, subject.glancedAtMs + glanceEveryMs - now());
      subject.callOffGlance = clock.after(delayMs, () => {
        subject.glancedAtMs = now();
        void look(id, subject, deps.keepPictures).finally(() => {
          subject.callOffGlance = undefined;
        });
      });
    },

    async settle(owner, id, failure) {
      if (isId('credential', owner)) return;
      const subject = id && watched.get(id);
      if (failure && !isWantedEnd(failure.code)) {
        const work = async () => {
          const facts = subject ? await findFacts(id) : null;
          if (subject && facts) await keep(facts, subject, reasonOf(failure));
          else await kept.explain(owner, reasonOf(failure));
        };
        await attempt(work(), owner);
      } else {
        if (subject) subject.settled = true;
        else await attempt(kept.remove(owner), owner);
      }
    },

    async closing(id) {
      const known = watched.get(id);
      const subject = known ?? unseen();
      subject.callOffGlance?.();
      const work = async () => {
        const facts = subject.settled ? null : await findFacts(id);
        const reason = facts && reasonToKeep(facts, subject, known !== undefined);
        if (facts && reason) await keep(facts, subject, reason);
      };
      await attempt(work(), id);
    },

    gone: (id) => void watched.delete(id),

    async see(id, wantsPicture) {
      const facts = await deps.findFacts(id);
      return facts && (await seeNow(facts, watched.get(facts.id) ?? unseen(), wantsPicture));
    },
  };
}

function unseen(): Watched {
  return {
    ...{ image: null, moves: [], redacts: [], settled: false, glancedAtMs: 0 },
    latest: { console: '', journal: '', picture: null },
  };
}
