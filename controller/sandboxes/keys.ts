/** What it takes to talk to a sandbox's agent, kept so that a controller that starts again can go on with it. */

import { PolydevError, type SandboxId } from '@polydev/protocol';
import { openEnvelope, sealEnvelope } from '@polydev/vault/envelope';
import type { MasterKey } from '@polydev/vault/master-key';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';

const Keys = Type.Object({
  /** The agent answers only to who knows this. */
  token: Type.String(),
  /** Until the claim: of what it was made and told, so that after a change of the settings none of before is given away. */
  recipe: Type.Optional(Type.String()),
  /** From the claim on: our key that the agent seals to, and its own. Raw X25519, base64url. */
  claimed: Type.Optional(Type.Object({ privateKey: Type.String(), agentPublicKey: Type.String() })),
});
export type Keys = Static<typeof Keys>;

export interface KeyCase {
  seal(id: SandboxId, keys: Keys): string;
  /** Throws `credential_moved` for what was sealed for another sandbox or under another master key. */
  open(id: SandboxId, sealed: string): Keys;
}

export function createKeyCase(masterKey: MasterKey): KeyCase {
  return {
    seal: (id, keys) => sealEnvelope(masterKey, Buffer.from(JSON.stringify(keys)), { sandboxId: id }),
    open(id, sealed) {
      const bytes = openEnvelope(masterKey, sealed, { sandboxId: id });
      const keys: unknown = bytes && JSON.parse(Buffer.from(bytes).toString());
      if (!Value.Check(Keys, keys)) throw new PolydevError('internal', 'The keys of a sandbox cannot be read.');
      return keys;
    },
  };
}
