/**
 * The agent's HTTP interface, port 8080 of a sandbox. Every request carries `Authorization: Bearer <token>`.
 *
 *   GET    /health                    AgentHealth
 *   POST   /prepare                   Preparation → 204; once, before the claim
 *   POST   /claim                     Claim → Claimed; once, a second one answers 409
 *   GET    /events?after=N            AgentEvent as NDJSON, from N + 1 on, then live
 *   POST   /credential/restore        RestoreCredential → 204
 *   POST   /credential/collect        → CollectedCredential
 *   POST   /exec                      ExecRequest → 202
 *   GET    /exec/:id/events?after=N   ExecEvent as NDJSON, from N + 1 on; closes after `exit`
 *   DELETE /exec/:id                  asks the process group to end, then kills it → 204
 *   GET    /journal                   AgentJournal; also before the claim
 *   DELETE /exec                      the same for all, and waits for their end → 204
 *   GET    /rfb                       with `Upgrade: rfb` → 101, then the display's RFB stream as it is, both ways
 *
 * Whatever the agent says is untrusted: parse it with these schemas.
 */

import { type Static, Type } from 'typebox';
import { AccountInfo, SealedBox } from './credential.ts';
import { limits } from './limits.ts';
import { ProviderId } from './run-event.ts';
import { Endpoint, Profile } from './sandbox.ts';

export const agentPort = 8080;
/** What a connection to `/rfb` is upgraded to. */
export const rfbUpgrade = 'rfb';
/** The agent writes this line to /dev/console when it listens. */
export const agentReadyLine = 'polydev-agent ready';

export const DesktopPart = Type.Union([Type.Literal('display'), Type.Literal('terminal'), Type.Literal('browser')]);
export type DesktopPart = Static<typeof DesktopPart>;

export const AgentHealth = Type.Object({
  version: Type.String(),
  profile: Profile,
  claimed: Type.Boolean(),
  /** Parts of the desktop that are there now: the display answers, a window is mapped. */
  desktop: Type.Array(DesktopPart),
  /** Not there unless a sign-in is watched for. `blind`: the system refused a watch, so one may go unnoticed. */
  capture: Type.Optional(Type.Union([Type.Literal('watching'), Type.Literal('blind')])),
  /** Since something was last printed in a terminal of the desktop, to within eight seconds. */
  printedAgoMs: Type.Optional(Type.Integer({ minimum: 0 })),
});
export type AgentHealth = Static<typeof AgentHealth>;

/** What is the same for every sandbox of this Polydev, so that one can be ready before anybody wants it. */
export const Preparation = Type.Object({
  egress: Endpoint,
  /** PEM; trusted inside the sandbox beside the system's roots. */
  extraCa: Type.Optional(Type.String({ maxLength: 64 * 1024 })),
  /** For example `Europe/Zurich`. */
  timeZone: Type.Optional(Type.String({ maxLength: 64 })),
});
export type Preparation = Static<typeof Preparation>;

/** What one sandbox is for. */
export const Claim = Type.Object({
  provider: ProviderId,
  /** X25519, base64url, 32 bytes. What is captured is sealed to it. */
  controllerPublicKey: Type.String({ minLength: 43, maxLength: 43 }),
  /** Watch for a sign-in (desktop), or hold still (headless). */
  capture: Type.Boolean(),
});
export type Claim = Static<typeof Claim>;

export const Claimed = Type.Object({
  /** X25519, base64url, 32 bytes. What is restored is sealed to it. */
  agentPublicKey: Type.String({ minLength: 43, maxLength: 43 }),
});
export type Claimed = Static<typeof Claimed>;

const numbered = {
  /** Counts from 1 without gaps. */
  n: Type.Integer({ minimum: 1 }),
  /** Wall clock of the sandbox, milliseconds since 1970. */
  atMs: Type.Integer({ minimum: 0 }),
};

export const AgentEvent = Type.Union([
  Type.Object({ ...numbered, type: Type.Literal('desktop'), part: DesktopPart, up: Type.Boolean() }),
  /** A program opened a page. Origin and path only: the rest may carry codes. */
  Type.Object({ ...numbered, type: Type.Literal('opened'), page: Type.String({ maxLength: 500 }) }),
  /** The tool saved a valid credential `seenAtMs`; here it is, sealed. */
  Type.Object({
    ...numbered,
    type: Type.Literal('credential'),
    seenAtMs: Type.Integer({ minimum: 0 }),
    sealed: SealedBox,
    account: AccountInfo,
  }),
  /** The tool made a new valid credential of the one that was restored: it is time to collect it. */
  Type.Object({ ...numbered, type: Type.Literal('renewed') }),
]);
export type AgentEvent = Static<typeof AgentEvent>;

export const RestoreCredential = Type.Object({ sealed: SealedBox });

export const CollectedCredential = Type.Object({
  status: Type.Union([
    Type.Literal('valid'),
    Type.Literal('absent'),
    Type.Literal('incomplete'),
    /** The tool emptied its own file: the sign-in is over. */
    Type.Literal('blanked'),
  ]),
  sealed: Type.Optional(SealedBox),
  account: Type.Optional(AccountInfo),
  /** False when the files are still what was restored or captured last. */
  changed: Type.Boolean(),
});
export type CollectedCredential = Static<typeof CollectedCredential>;

export const ExecRequest = Type.Object({
  id: Type.String({ pattern: '^[a-z0-9_]{1,40}$' }),
  argv: Type.Array(Type.String(), { minItems: 1, maxItems: 64 }),
  env: Type.Record(Type.String(), Type.String()),
  /** Files written for this process before it starts, relative to the home folder. */
  files: Type.Array(Type.Object({ path: Type.String({ maxLength: 200 }), content: Type.String() }), { maxItems: 8 }),
  stdin: Type.String({ maxLength: limits.promptChars }),
  deadlineMs: Type.Integer({ minimum: 1, maximum: limits.runMaxMs }),
});
export type ExecRequest = Static<typeof ExecRequest>;

export const ExecEvent = Type.Union([
  Type.Object({ ...numbered, type: Type.Literal('stdout'), line: Type.String() }),
  Type.Object({ ...numbered, type: Type.Literal('stderr'), line: Type.String() }),
  /** Here stood a line longer than `limits.runLineBytes`. */
  Type.Object({
    ...numbered,
    type: Type.Literal('dropped'),
    from: Type.Union([Type.Literal('stdout'), Type.Literal('stderr')]),
  }),
  Type.Object({
    ...numbered,
    type: Type.Literal('exit'),
    /** Exit status; null when a signal ended it or it never started. */
    code: Type.Union([Type.Integer(), Type.Null()]),
    reason: Type.Union([
      Type.Literal('ended'),
      Type.Literal('deadline'),
      Type.Literal('cancelled'),
      Type.Literal('output_limit'),
      Type.Literal('not_started'),
    ]),
  }),
]);
export type ExecEvent = Static<typeof ExecEvent>;

/** The newest whole lines of the system journal, plain text, at most `limits.journalTailBytes`. */
export const AgentJournal = Type.Object({ text: Type.String({ maxLength: limits.journalTailBytes }) });
export type AgentJournal = Static<typeof AgentJournal>;
