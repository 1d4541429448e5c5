/** What a credential is made of while it travels, sealed, between agent and controller. */

import { type Static, Type } from 'typebox';
import { limits } from './limits.ts';
import { ProviderId } from './run-event.ts';

/** Made by vault/box.ts. All fields base64url. */
export const SealedBox = Type.Object({
  v: Type.Literal(1),
  ephemeralKey: Type.String({ maxLength: 64 }),
  nonce: Type.String({ maxLength: 32 }),
  ciphertext: Type.String({ maxLength: 2 * limits.credentialBytes }),
});
export type SealedBox = Static<typeof SealedBox>;

/** The plain credential. Exists in memory of the agent and of the controller, and in a sandbox's tmpfs. */
export const CredentialBundle = Type.Union([
  Type.Object({
    kind: Type.Literal('files'),
    provider: ProviderId,
    files: Type.Array(
      Type.Object({
        /** Relative to the home folder, for example `.codex/auth.json`. */
        path: Type.String({ maxLength: 200 }),
        content: Type.String({ maxLength: limits.credentialBytes }),
      }),
      { maxItems: 8 },
    ),
  }),
  Type.Object({
    kind: Type.Literal('api_key'),
    provider: ProviderId,
    apiKey: Type.String({ minLength: 8, maxLength: 1024 }),
  }),
]);
export type CredentialBundle = Static<typeof CredentialBundle>;

/** What the tool's files say about who signed in. Untrusted; for display only. */
export const AccountInfo = Type.Object({
  email: Type.Optional(Type.String({ maxLength: 320 })),
  plan: Type.Optional(Type.String({ maxLength: 100 })),
  /** When the sign-in itself ends, as milliseconds since 1970. */
  expiresAtMs: Type.Optional(Type.Integer({ minimum: 0 })),
});
export type AccountInfo = Static<typeof AccountInfo>;

/** The context of a sealed box (vault/box.ts) by direction: one that travels back does not open. */
export const boxContexts = { toController: 'credential to controller', toAgent: 'credential to agent' } as const;
