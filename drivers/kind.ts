/** What the lifecycle asks of a driver: what its sandboxes consist of, and how one knows whether they live. */

import type { SandboxAddress, SandboxId, SandboxSpec } from '@polydev/protocol';
import type { SandboxRecord } from './journal.ts';
import type { Resource } from './resources.ts';

export interface Kind {
  /** The driver's name. */
  name: string;
  /** Refuses, with a PolydevError, what cannot work, before anything is written down. */
  check(spec: SandboxSpec): Promise<void>;
  /** Takes a free address; throws `capacity`. */
  reserve(id: SandboxId): SandboxAddress;
  /** Takes the address of a record from the journal. */
  take(record: SandboxRecord): void;
  free(record: SandboxRecord): void;
  resources(record: SandboxRecord): Resource[];
  /** Lets what has been acquired run. */
  start(record: SandboxRecord): Promise<void>;
  /** Resolves when the agent listens and has been marked as such, so that `survived` says true. */
  ready(record: SandboxRecord, signal: AbortSignal): Promise<void>;
  /** Calls back once when the sandbox's first process is gone, also if it is already. Returns how to stop watching. */
  watch(record: SandboxRecord, onDeath: () => void): () => void;
  paused(record: SandboxRecord): Promise<boolean>;
  console(record: SandboxRecord): Promise<string>;
  /** After a restart: is this one alive, and was it ready? */
  survived(record: SandboxRecord): Promise<boolean>;
  /** Before the first create: what all sandboxes share, and the ones that live on. */
  open(survivors: SandboxRecord[]): Promise<void>;
  close(options: { survivors: boolean }): Promise<void>;
}
