/** The HTTP API: people, their logins and their API tokens. */

import { type Static, Type } from 'typebox';
import { idSchema as idOf } from './ids.ts';
import { limits } from './limits.ts';
import { Line, Nullable, Time } from './shapes.ts';

export const User = Type.Object({
  id: idOf('user'),
  name: Type.String(),
  role: Type.Union([Type.Literal('owner'), Type.Literal('member')]),
});
export type User = Static<typeof User>;

const Name = Line(64);
const GivenPassword = Type.String({ maxLength: 1024 });
const NewPassword = Type.String({ minLength: limits.passwordMinLength, maxLength: 1024 });

export const SetupStatus = Type.Object({
  needed: Type.Boolean(),
  demo: Type.Boolean({ description: 'Local stand-ins answer instead of the real providers.' }),
});
export type SetupStatus = Static<typeof SetupStatus>;
export const SetupRequest = Type.Object({
  setupToken: Type.String({ maxLength: 128 }),
  name: Name,
  password: NewPassword,
});
export type SetupRequest = Static<typeof SetupRequest>;
export const LoginRequest = Type.Object({ name: Name, password: GivenPassword });
export type LoginRequest = Static<typeof LoginRequest>;

export const ChangeProfile = Type.Object({ name: Name });
export type ChangeProfile = Static<typeof ChangeProfile>;
export const ChangePassword = Type.Object({ password: GivenPassword, newPassword: NewPassword });
export type ChangePassword = Static<typeof ChangePassword>;

// ---- Browser logins ----

export const Login = Type.Object({
  id: idOf('login'),
  createdAtMs: Time,
  /** To the minute. */
  lastSeenAtMs: Time,
  expiresAtMs: Time,
  /** For people: `Firefox on Linux`; empty when the browser did not say. */
  agent: Type.String(),
  /** The one that asks. */
  current: Type.Boolean(),
});
export type Login = Static<typeof Login>;

// ---- API tokens ----

/**
 * What a token may do. `read` sees all that is the user's; `run` also starts, stops and deletes runs; `connect` also
 * signs in and changes credentials; `admin` does everything, the account and its tokens included.
 */
export const scopes = ['read', 'run', 'connect', 'admin'] as const;
export type Scope = (typeof scopes)[number];
export const ScopeSchema = Type.Unsafe<Scope>(Type.String({ enum: [...scopes] }));

/** Every scope includes `read`; `admin` includes every other. */
export function allows(granted: readonly Scope[], needed: Scope): boolean {
  if (needed === 'read') return granted.length > 0;
  return granted.includes(needed) || granted.includes('admin');
}

export const ApiToken = Type.Object({
  id: idOf('token'),
  name: Type.String(),
  scopes: Type.Array(ScopeSchema),
  createdAtMs: Time,
  lastUsedAtMs: Nullable(Time),
  /** Null: until it is revoked. */
  expiresAtMs: Nullable(Time),
});
export type ApiToken = Static<typeof ApiToken>;
/** The last moment that a JavaScript date can say. */
const lastDateMs = 8.64e15;

export const CreateApiToken = Type.Object({
  name: Name,
  scopes: Type.Optional(
    Type.Array(ScopeSchema, {
      minItems: 1,
      maxItems: scopes.length,
      uniqueItems: true,
      description: 'Every scope includes `read`; `admin` includes all. Without it: `run`.',
    }),
  ),
  expiresAtMs: Type.Optional(Nullable(Type.Integer({ minimum: 0, maximum: lastDateMs }))),
});
export type CreateApiToken = Static<typeof CreateApiToken>;
export const CreatedApiToken = Type.Object({
  token: ApiToken,
  secret: Type.String({ description: 'Shown this once.' }),
});
export type CreatedApiToken = Static<typeof CreatedApiToken>;
