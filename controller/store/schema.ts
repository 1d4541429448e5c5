/** The tables. Times are milliseconds since 1970. Migrations in `migrations/` are append-only. */

import type {
  AccountInfo,
  Credential,
  Id,
  ProviderId,
  Reason,
  RunState,
  RunStreamEvent,
  SandboxAddress,
  SandboxEvent,
  SandboxMove,
  SandboxState,
  Scope,
  SessionEvent,
  SessionState,
  Usage,
  User,
} from '@polydev/protocol';

import { sql } from 'drizzle-orm';
import { bigint, customType, index, integer, jsonb, pgTable, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core';

const timeMs = (name: string) => bigint(name, { mode: 'number' });
const bytea = customType<{ data: Buffer; driverData: Uint8Array }>({
  dataType: () => 'bytea',
  fromDriver: (value) => Buffer.from(value),
});

export const users = pgTable('users', {
  id: text('id').$type<Id<'user'>>().primaryKey(),
  name: text('name').notNull().unique(),
  role: text('role').$type<User['role']>().notNull(),
  /** argon2id, as `v1$memoryKiB$passes$lanes$salt$tag`. */
  passwordHash: text('password_hash').notNull(),
  createdAtMs: timeMs('created_at_ms').notNull(),
});

/** Browser logins. Only a hash of the cookie is kept. */
export const logins = pgTable('logins', {
  id: text('id').$type<Id<'login'>>().primaryKey(),
  userId: text('user_id')
    .$type<Id<'user'>>()
    .notNull()
    .references(() => users.id, { onDelete: 'cascade' }),
  secretHash: text('secret_hash').notNull().unique(),
  createdAtMs: timeMs('created_at_ms').notNull(),
  lastSeenAtMs: timeMs('last_seen_at_ms').notNull(),
  expiresAtMs: timeMs('expires_at_ms').notNull(),
  /** auth/user-agent.ts. */
  agent: text('agent').notNull().default(''),
});

export const apiTokens = pgTable('api_tokens', {
  id: text('id').$type<Id<'token'>>().primaryKey(),
  userId: text('user_id')
    .$type<Id<'user'>>()
    .notNull()
    .references(() => users.id, { onDelete: 'cascade' }),
  name: text('name').notNull(),
  scopes: jsonb('scopes').$type<Scope[]>().notNull(),
  secretHash: text('secret_hash').notNull().unique(),
  createdAtMs: timeMs('created_at_ms').notNull(),
  lastUsedAtMs: timeMs('last_used_at_ms'),
  /** Null: until it is revoked. */
  expiresAtMs: timeMs('expires_at_ms'),
});

export const credentials = pgTable(
  'credentials',
  {
    id: text('id').$type<Id<'credential'>>().primaryKey(),
    userId: text('user_id')
      .$type<Id<'user'>>()
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    provider: text('provider').$type<ProviderId>().notNull(),
    label: text('label').notNull(),
    kind: text('kind').$type<Credential['kind']>().notNull(),
    /** `unproven`: captured, not yet proved; invisible to runs and lists. */
    status: text('status').$type<Credential['status'] | 'unproven'>().notNull(),
    account: jsonb('account').$type<AccountInfo>().notNull(),
    /** vault/envelope.ts, bound to (user, provider, id, version). */
    envelope: text('envelope').notNull(),
    version: integer('version').notNull(),
    /** The newest that a person signed in or gave the key for; a tool makes those after it. */
    connectedVersion: integer('connected_version').notNull().default(0),
    createdAtMs: timeMs('created_at_ms').notNull(),
    updatedAtMs: timeMs('updated_at_ms').notNull(),
    lastUsedAtMs: timeMs('last_used_at_ms'),
  },
  (table) => [
    index('credentials_by_user').on(table.userId, table.provider),
    /** One proved credential for each label; a second one is a unique violation. */
    uniqueIndex('credentials_by_label').on(table.userId, table.provider, table.label).where(sql`status <> 'unproven'`),
  ],
);

export const authSessions = pgTable(
  'auth_sessions',
  {
    id: text('id').$type<Id<'session'>>().primaryKey(),
    userId: text('user_id')
      .$type<Id<'user'>>()
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    provider: text('provider').$type<ProviderId>().notNull(),
    label: text('label').notNull(),
    state: text('state').$type<SessionState>().notNull(),
    reason: jsonb('reason').$type<Reason>(),
    sandboxId: text('sandbox_id').$type<Id<'sandbox'>>(),
    credentialId: text('credential_id').$type<Id<'credential'>>(),
    /** The unproven credential that was captured. */
    captureId: text('capture_id').$type<Id<'credential'>>(),
    /** So many events of its desktop's agent have been dealt with. */
    agentEvents: integer('agent_events').notNull().default(0),
    /** Who works on it, see recovery/identity.ts. Empty: nobody. */
    controller: text('controller').notNull().default(''),
    createdAtMs: timeMs('created_at_ms').notNull(),
    expiresAtMs: timeMs('expires_at_ms').notNull(),
    hardExpiresAtMs: timeMs('hard_expires_at_ms').notNull(),
    endedAtMs: timeMs('ended_at_ms'),
  },
  (table) => [
    index('auth_sessions_by_user').on(table.userId, table.createdAtMs),
    index('auth_sessions_by_state').on(table.state),
  ],
);

export const runs = pgTable(
  'runs',
  {
    id: text('id').$type<Id<'run'>>().primaryKey(),
    userId: text('user_id')
      .$type<Id<'user'>>()
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    provider: text('provider').$type<ProviderId>().notNull(),
    /** Outlives the credential, so no reference. */
    credentialId: text('credential_id').$type<Id<'credential'>>(),
    sandboxId: text('sandbox_id').$type<Id<'sandbox'>>(),
    state: text('state').$type<RunState>().notNull(),
    reason: jsonb('reason').$type<Reason>(),
    prompt: text('prompt').notNull(),
    model: text('model'),
    answer: text('answer').notNull().default(''),
    usage: jsonb('usage').$type<Usage>(),
    deadlineMs: integer('deadline_ms').notNull(),
    /** Who works on it, see recovery/identity.ts. Empty: nobody, so whoever is first. */
    controller: text('controller').notNull().default(''),
    createdAtMs: timeMs('created_at_ms').notNull(),
    startedAtMs: timeMs('started_at_ms'),
    firstTextAtMs: timeMs('first_text_at_ms'),
    endedAtMs: timeMs('ended_at_ms'),
  },
  (table) => [
    index('runs_by_user').on(table.userId, table.createdAtMs),
    index('runs_by_credential').on(table.credentialId, table.createdAtMs),
    index('runs_by_state').on(table.state),
  ],
);

/** Every sandbox that was asked for; those that are gone for as long as rows.ts keeps them. */
export const sandboxes = pgTable(
  'sandboxes',
  {
    id: text('id').$type<Id<'sandbox'>>().primaryKey(),
    profile: text('profile').$type<'desktop' | 'headless'>().notNull(),
    state: text('state').$type<SandboxState>().notNull(),
    reason: jsonb('reason').$type<Reason>(),
    /** What it is for; null while nobody has claimed it. */
    owner: text('owner').$type<Id<'session'> | Id<'run'> | Id<'credential'>>(),
    userId: text('user_id').$type<Id<'user'>>(),
    provider: text('provider').$type<ProviderId>(),
    /** Of the credential that its tool has. */
    lentVersion: integer('lent_version'),
    /** Whose it is, see recovery/identity.ts. */
    controller: text('controller').notNull().default(''),
    /** Where its address is its own, see recovery/identity.ts. */
    host: text('host').notNull().default(''),
    address: jsonb('address').$type<SandboxAddress>(),
    /** What is needed to talk to its agent, in an envelope: sandboxes/keys.ts. */
    keys: text('keys'),
    createdAtMs: timeMs('created_at_ms').notNull(),
    endedAtMs: timeMs('ended_at_ms'),
  },
  (table) => [index('sandboxes_by_state').on(table.state)],
);

/** What is known of sandboxes that ended badly; secrets are taken out of all text. It goes with what it was for. */
export const sandboxLogs = pgTable(
  'sandbox_logs',
  {
    sandboxId: text('sandbox_id').$type<Id<'sandbox'>>().primaryKey(),
    /** Null when it was nobody's yet. */
    userId: text('user_id')
      .$type<Id<'user'>>()
      .references(() => users.id, { onDelete: 'cascade' }),
    sessionId: text('session_id')
      .$type<Id<'session'>>()
      .references(() => authSessions.id, { onDelete: 'cascade' }),
    runId: text('run_id')
      .$type<Id<'run'>>()
      .references(() => runs.id, { onDelete: 'cascade' }),
    profile: text('profile').$type<'desktop' | 'headless'>().notNull(),
    provider: text('provider').$type<ProviderId>(),
    image: text('image'),
    createdAtMs: timeMs('created_at_ms').notNull(),
    endedAtMs: timeMs('ended_at_ms').notNull(),
    reason: jsonb('reason').$type<Reason>().notNull(),
    moves: jsonb('moves').$type<SandboxMove[]>().notNull(),
    console: text('console').notNull(),
    journal: text('journal').notNull(),
    /** PNG. */
    picture: bytea('picture'),
    /** Of console, journal and picture together. */
    bytes: integer('bytes').notNull(),
  },
  (table) => [
    index('sandbox_logs_by_end').on(table.endedAtMs),
    index('sandbox_logs_by_session').on(table.sessionId),
    index('sandbox_logs_by_run').on(table.runId),
  ],
);

/** Timelines of sessions, runs and sandboxes; `seq` counts from 1 within its stream. */
export const events = pgTable(
  'events',
  {
    stream: text('stream').$type<Id<'session'> | Id<'run'> | Id<'sandbox'>>().notNull(),
    seq: integer('seq').notNull(),
    atMs: timeMs('at_ms').notNull(),
    event: jsonb('event').$type<SessionEvent | RunStreamEvent | SandboxEvent>().notNull(),
  },
  (table) => [primaryKey({ columns: [table.stream, table.seq] })],
);

/** Small facts about this installation, such as the check that the master key is the right one. */
export const facts = pgTable('facts', { name: text('name').primaryKey(), value: text('value').notNull() });
