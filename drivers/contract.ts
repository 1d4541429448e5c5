/**
 * What makes sandboxes. Nothing here assumes that a sandbox is on this machine: everything is asynchronous, and
 * a sandbox is reached by an address and its token. Callers branch on `features()`, never on `name`.
 */

import type {
  Features,
  Finding,
  SandboxAddress,
  SandboxExit,
  SandboxId,
  SandboxInfo,
  SandboxSpec,
} from '@polydev/protocol';

export interface Driver {
  readonly name: string;

  /** What the driver needs and whether it is there. Never throws. */
  preflight(): Promise<Finding[]>;
  features(): Promise<Features>;
  /** What new sandboxes may still take where they run. */
  memory(): Promise<{ freeMiB: number }>;

  /**
   * Makes a sandbox and resolves when its agent listens. Fails with `sandbox_failed`, the tail of the console in
   * `details.console` and, with the reason, in the cause, and nothing left behind. Same id twice: `invalid_request`.
   */
  create(spec: SandboxSpec): Promise<SandboxAddress>;
  /** Throws `sandbox_gone` for an unknown id; so do pause, resume and console. */
  address(id: SandboxId): Promise<SandboxAddress>;
  pause(id: SandboxId): Promise<void>;
  resume(id: SandboxId): Promise<void>;
  /** Throws `unsupported` where `features().snapshot` is false; so does restore. */
  snapshot(id: SandboxId): Promise<string>;
  restore(snapshot: string, spec: SandboxSpec): Promise<SandboxAddress>;
  /** Idempotent; two callers share one destruction. Throws with each leftover named if something would not go. */
  destroy(id: SandboxId): Promise<void>;
  list(): Promise<SandboxInfo[]>;
  /** The newest part of the console, at most limits.consoleTailBytes. */
  console(id: SandboxId): Promise<string>;

  /** Calls back once for each sandbox that ends from now on. Returns the way to stop listening. */
  onExit(listener: (exit: SandboxExit) => void): () => void;
}

/** What a start found of an earlier one. */
export interface Recovery {
  /** Alive, and served as before. */
  adopted: SandboxId[];
  /** Dead or half-made; nothing of them is left. */
  swept: SandboxId[];
  /** One sentence for each sandbox that would not go and each file in the journal that is not ours. */
  problems: string[];
}

/** A driver that runs in this process, as hostd holds it. */
export interface LocalDriver extends Driver {
  /** To be called once, before anything else. */
  recover(): Promise<Recovery>;
  /** Destroys all sandboxes, unless they are to be kept for the next start, and lets go of the host. */
  close(options: { keep: boolean }): Promise<void>;
}
