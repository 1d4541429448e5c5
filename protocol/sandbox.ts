/** What controller, hostd and drivers say to each other about sandboxes. */

import { type Static, Type } from 'typebox';
import { idSchema } from './ids.ts';

/**
 * The user namespace of every sandbox: 0…65535 inside are these on the host. Images are stored with owners shifted so.
 * Outside of what Debian gives to accounts as subordinate ids (100000…600100000), of what systemd gives to containers
 * and dynamic users (up to 1879048191), and below 2³¹.
 */
export const idShift = 2_000_000_000;
export const idCount = 65_536;

export const Profile = Type.Union([Type.Literal('desktop'), Type.Literal('headless')]);
export type Profile = Static<typeof Profile>;

export const SandboxSpec = Type.Object({
  id: idSchema('sandbox'),
  profile: Profile,
  /** Hash of a verified golden image. */
  image: Type.String({ pattern: '^[a-f0-9]{16,64}$' }),
  /** The agent answers only to who knows this. */
  token: Type.String({ minLength: 32, maxLength: 128 }),
  limits: Type.Object({
    memoryMiB: Type.Integer({ minimum: 256 }),
    /** Cores; may be a fraction. */
    cpus: Type.Number({ exclusiveMinimum: 0 }),
    processes: Type.Integer({ minimum: 64 }),
    /** All that the sandbox may change of its root file system. */
    diskMiB: Type.Integer({ minimum: 64 }),
    /** The tmpfs on /home. */
    homeMiB: Type.Integer({ minimum: 64 }),
  }),
});
export type SandboxSpec = Static<typeof SandboxSpec>;

export const Endpoint = Type.Object({ host: Type.String(), port: Type.Integer({ minimum: 1, maximum: 65535 }) });
export type Endpoint = Static<typeof Endpoint>;

export const SandboxAddress = Type.Object({
  /** Where the controller reaches the agent. */
  agent: Endpoint,
  /** Where the sandbox reaches the egress gateway. */
  egress: Endpoint,
  /** The source address that the gateway sees; proved by the host's firewall. */
  source: Type.String(),
});
export type SandboxAddress = Static<typeof SandboxAddress>;

export const SandboxInfo = Type.Object({
  id: idSchema('sandbox'),
  profile: Profile,
  image: Type.String(),
  createdAtMs: Type.Integer(),
  state: Type.Union([Type.Literal('running'), Type.Literal('paused'), Type.Literal('dead')]),
  address: SandboxAddress,
});
export type SandboxInfo = Static<typeof SandboxInfo>;

export const Features = Type.Object({
  isolation: Type.Union([Type.Literal('container'), Type.Literal('vm'), Type.Literal('none')]),
  pause: Type.Boolean(),
  snapshot: Type.Boolean(),
  hibernate: Type.Boolean(),
});
export type Features = Static<typeof Features>;

/** One thing a driver or the host needs, whether it is there, and what to do if not. */
export const Finding = Type.Object({
  name: Type.String(),
  ok: Type.Boolean(),
  /** False: only a recommendation. */
  needed: Type.Boolean(),
  found: Type.String(),
  remedy: Type.Optional(Type.String()),
});
export type Finding = Static<typeof Finding>;

/** Tells the controller at once that a sandbox is no more. */
export const SandboxExit = Type.Object({
  id: idSchema('sandbox'),
  reason: Type.Union([Type.Literal('destroyed'), Type.Literal('died')]),
});
export type SandboxExit = Static<typeof SandboxExit>;
