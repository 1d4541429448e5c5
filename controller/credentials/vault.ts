/**
 * Credentials at rest: rows whose secret part is an envelope bound to the row's id and version. Every change makes the
 * next version, and only from the version that its writer has seen.
 */

import {
  type AccountInfo,
  type Credential,
  type CredentialId,
  newId,
  PolydevError,
  type ProviderId,
  type UserId,
} from '@polydev/protocol';
import { openEnvelope, sealEnvelope } from '@polydev/vault/envelope';
import type { MasterKey } from '@polydev/vault/master-key';
import { and, desc, eq, lt, ne, notInArray } from 'drizzle-orm';
import type { Database, Store } from '../store/database.ts';
import type { ListChanges } from '../store/list-changes.ts';
import { credentials } from '../store/schema.ts';
import { storable } from '../store/storable.ts';
import { isUniqueViolation } from '../store/unique-violation.ts';
import { decodeBundle, encodeBundle, type SecretBundle } from './bundle.ts';

/** A row without its secret. */
export interface StoredCredential extends Omit<Credential, 'status'> {
  userId: UserId;
  status: Credential['status'] | 'unproven';
  /** The newest version that a person made, not a tool. */
  connectedVersion: number;
}

export interface CredentialContent {
  bundle: SecretBundle;
  account: AccountInfo;
}

export interface NewCredential extends CredentialContent {
  /** A new one by default. */
  id?: CredentialId;
  userId: UserId;
  provider: ProviderId;
  label: string;
}

/** The place that a proved credential takes. */
export interface Place {
  userId: UserId;
  provider: ProviderId;
  label: string;
}

export interface Vault {
  /** Captured, not yet proved: seen by nobody until `promote`. */
  putUnproven(credential: NewCredential): Promise<StoredCredential>;
  /**
   * Makes an unproven credential the one of its label, with this content; what stood there keeps its id and gets a new
   * version. In the caller's transaction.
   */
  promote(tx: Database, unproven: StoredCredential, content: CredentialContent): Promise<StoredCredential>;
  /** Null when there is none by this id. */
  find(id: CredentialId): Promise<StoredCredential | null>;
  /** For requests: does not wait for a database that is away. */
  findPlaced(place: Place): Promise<StoredCredential | null>;
  /** Newest first, unproven ones left out. */
  list(userId: UserId): Promise<StoredCredential[]>;
  /** `no_credential` when it is gone. */
  open(id: CredentialId): Promise<{ stored: StoredCredential; bundle: SecretBundle }>;
  /** `stale_version` when another version is there by now, or none. */
  replaceIfVersion(id: CredentialId, version: number, content: CredentialContent): Promise<StoredCredential>;
  /** True when it was done: the status belongs to the version that was tried. */
  setStatusIfVersion(id: CredentialId, version: number, status: Credential['status']): Promise<boolean>;
  /** The version stays. `credential_exists` when another of the provider has this label, `no_credential` when it is gone. */
  rename(id: CredentialId, label: string): Promise<StoredCredential>;
  touch(id: CredentialId): Promise<void>;
  remove(id: CredentialId): Promise<void>;
  removeUnproven(id: CredentialId): Promise<void>;
  /** Of before, but for these: who captured or tried them is no more. */
  removeUnprovenOf(beforeMs: number, except: readonly CredentialId[]): Promise<void>;
}

/** All but the envelope. */
const openColumns = {
  id: credentials.id,
  userId: credentials.userId,
  provider: credentials.provider,
  label: credentials.label,
  kind: credentials.kind,
  status: credentials.status,
  account: credentials.account,
  version: credentials.version,
  connectedVersion: credentials.connectedVersion,
  createdAtMs: credentials.createdAtMs,
  updatedAtMs: credentials.updatedAtMs,
  lastUsedAtMs: credentials.lastUsedAtMs,
};

export function createVault(
  { db, patience }: Store,
  masterKey: MasterKey,
  now: () => number = Date.now,
  lists: Pick<ListChanges, 'tell'> = { tell: () => {} },
): Vault {
  const tell = ({ userId }: Pick<StoredCredential, 'userId'>) => lists.tell(userId, 'credentials');

  type Identity = Pick<StoredCredential, 'id' | 'userId' | 'provider'>;

  /** The columns that hold this content as this version of this credential. */
  function sealed({ id, userId, provider }: Identity, version: number, { bundle, account }: CredentialContent) {
    return {
      kind: bundle.reveal().kind,
      account: storable(account),
      envelope: sealEnvelope(masterKey, encodeBundle(bundle), { userId, provider, credentialId: id, version }),
      version,
      updatedAtMs: now(),
    };
  }

  async function find(id: CredentialId): Promise<StoredCredential | null> {
    const [row] = await patience.insist(() => db.select(openColumns).from(credentials).where(eq(credentials.id, id)));
    return row ?? null;
  }

  function placed({ userId, provider, label }: Place) {
    return and(
      eq(credentials.userId, userId),
      eq(credentials.provider, provider),
      eq(credentials.label, label),
      ne(credentials.status, 'unproven'),
    );
  }

  return {
    async putUnproven({ id = newId('credential'), userId, provider, label, bundle, account }) {
      const identity = { id, userId, provider };
      const content = sealed(identity, 1, { bundle, account });
      const values = { ...identity, ...content, label, status: 'unproven', createdAtMs: now() } as const;
      await patience.insist(() => db.insert(credentials).values(values).onConflictDoNothing());
      const row = await find(identity.id);
      if (!row) throw new Error('What was inserted is not there.');
      return row;
    },

    async promote(tx, unproven, content) {
      const [present] = await tx.select(openColumns).from(credentials).where(placed(unproven)).for('update');
      const target = present ?? unproven;
      const version = target.version + 1;
      if (present) await tx.delete(credentials).where(eq(credentials.id, unproven.id));
      const [row] = await tx
        .update(credentials)
        .set({ ...sealed(target, version, content), status: 'active', connectedVersion: version })
        .where(and(eq(credentials.id, target.id), eq(credentials.version, target.version)))
        .returning(openColumns);
      if (!row) throw stale(target.id);
      return row;
    },

    find,

    async findPlaced(place) {
      const [row] = await db.select(openColumns).from(credentials).where(placed(place));
      return row ?? null;
    },

    list: (userId) =>
      db
        .select(openColumns)
        .from(credentials)
        .where(and(eq(credentials.userId, userId), ne(credentials.status, 'unproven')))
        .orderBy(desc(credentials.createdAtMs)),

    async open(id) {
      const [row] = await patience.insist(() => db.select().from(credentials).where(eq(credentials.id, id)));
      if (!row) throw new PolydevError('no_credential', 'This credential is no longer there.');
      const { envelope, ...stored } = row;
      const { userId, provider, version } = stored;
      const bytes = openEnvelope(masterKey, envelope, { userId, provider, credentialId: id, version });
      const bundle = bytes && decodeBundle(bytes);
      if (!bundle)
        throw new PolydevError('internal', 'A stored credential cannot be read.', { details: { id, version } });
      return { stored, bundle };
    },

    async replaceIfVersion(id, version, content) {
      const present = await find(id);
      if (!present) throw stale(id);
      const next = sealed(present, version + 1, content);
      const replace = () =>
        db
          .update(credentials)
          .set(next)
          .where(and(eq(credentials.id, id), eq(credentials.version, version)))
          .returning(openColumns);
      // No two envelopes are the same.
      const done = and(eq(credentials.id, id), eq(credentials.envelope, next.envelope));
      const [row] = await patience.insist(async (again) => {
        const found = again ? await db.select(openColumns).from(credentials).where(done) : [];
        return found.length > 0 ? found : await replace();
      });
      if (!row) throw stale(id);
      tell(row);
      return row;
    },

    async setStatusIfVersion(id, version, status) {
      const tried = and(eq(credentials.id, id), eq(credentials.version, version), ne(credentials.status, 'unproven'));
      const set = { status, updatedAtMs: now() };
      const rows = await patience.insist(() =>
        db.update(credentials).set(set).where(tried).returning({ userId: credentials.userId }),
      );
      rows.forEach(tell);
      return rows.length > 0;
    },

    async rename(id, label) {
      try {
        const [row] = await db.update(credentials).set({ label }).where(eq(credentials.id, id)).returning(openColumns);
        if (!row) throw new PolydevError('no_credential', 'This credential is no longer there.');
        tell(row);
        return row;
      } catch (error) {
        throw isUniqueViolation(error) ? labelTaken(label) : error;
      }
    },

    async touch(id) {
      const set = { lastUsedAtMs: now() };
      const touch = () =>
        db.update(credentials).set(set).where(eq(credentials.id, id)).returning({ userId: credentials.userId });
      (await patience.insist(touch)).forEach(tell);
    },

    async remove(id) {
      const gone = await db.delete(credentials).where(eq(credentials.id, id)).returning({ userId: credentials.userId });
      gone.forEach(tell);
    },

    async removeUnproven(id) {
      const unproven = and(eq(credentials.id, id), eq(credentials.status, 'unproven'));
      await patience.insist(() => db.delete(credentials).where(unproven));
    },

    async removeUnprovenOf(beforeMs, except) {
      await db
        .delete(credentials)
        .where(
          and(
            eq(credentials.status, 'unproven'),
            lt(credentials.updatedAtMs, beforeMs),
            notInArray(credentials.id, [...except]),
          ),
        );
    },
  };
}

export function labelTaken(label: string): PolydevError {
  return new PolydevError('credential_exists', `An account of this tool is already called “${label}”.`);
}

function stale(id: CredentialId): PolydevError {
  return new PolydevError('stale_version', 'The credential changed meanwhile.', { details: { id } });
}
