/** What accounts were used for in the last seven days, counted from the runs. */

import { type AccountUsage, type AskUsage, type CredentialId, PolydevError } from '@polydev/protocol';
import { and, eq, gte, type SQL, sql } from 'drizzle-orm';
import type { CredentialService, UsageService } from '../services.ts';
import type { Database } from '../store/database.ts';
import { runs } from '../store/schema.ts';

const dayMs = 24 * 60 * 60 * 1000;
const dayCount = 7;
const nothing = { runs: 0, failed: 0, inputTokens: 0, outputTokens: 0, costUsd: 0 };

interface Row extends Omit<AccountUsage, 'days'> {
  day: string;
  runs: number;
  failed: number;
  inputTokens: number;
  outputTokens: number;
  costUsd: number;
}

export function createUsage(
  db: Database,
  credentials: Pick<CredentialService, 'get'>,
  now: () => number = Date.now,
): UsageService {
  const sumOf = (field: string) => sql<number>`coalesce(sum((${runs.usage} ->> ${field})::float8), 0)`;

  function query(whose: SQL | undefined, timeZone: string, sinceMs: number): Promise<Row[]> {
    return db
      .select({
        provider: runs.provider,
        credentialId: runs.credentialId,
        day: sql<string>`to_char(to_timestamp(${runs.createdAtMs} / 1000.0) at time zone ${timeZone}, 'YYYY-MM-DD')`,
        runs: sql<number>`count(*)::int`,
        failed: sql<number>`(count(*) filter (where ${runs.state} in ('failed', 'timed_out')))::int`,
        inputTokens: sumOf('inputTokens'),
        outputTokens: sumOf('outputTokens'),
        costUsd: sumOf('costUsd'),
      })
      .from(runs)
      .where(and(whose, gte(runs.createdAtMs, sinceMs)))
      .groupBy(sql`1, 2, 3`)
      .orderBy(sql`1, 2, 3`);
  }

  async function usageOf(whose: SQL | undefined, { timeZone = 'UTC' }: AskUsage): Promise<AccountUsage[]> {
    const week = lastDays(timeZone, now());
    // Days are up to an hour longer or shorter than others; what is too old by then is in no day of the week.
    const rows = await query(whose, timeZone, now() - (dayCount + 1) * dayMs);
    const used = rows.filter(({ day }) => week.includes(day));
    const accounts = Map.groupBy(used, ({ provider, credentialId }) => `${provider} ${credentialId}`);
    return [...accounts.values()].flatMap((days) => {
      const [{ provider, credentialId }] = days as [Row];
      return { provider, credentialId, days: week.map((day) => dayOf(day, days)) };
    });
  }

  return {
    list: (user, ask) => usageOf(eq(runs.userId, user.id), ask),

    async of(user, id: CredentialId, ask) {
      const { provider } = await credentials.get(user, id);
      const [found] = await usageOf(eq(runs.credentialId, id), ask);
      const { timeZone = 'UTC' } = ask;
      return found ?? { provider, credentialId: id, days: lastDays(timeZone, now()).map((day) => dayOf(day, [])) };
    },
  };
}

function dayOf(day: string, rows: Row[]): AccountUsage['days'][number] {
  const row = rows.find((candidate) => candidate.day === day);
  if (!row) return { day, ...nothing };
  const { runs: count, failed, inputTokens, outputTokens, costUsd } = row;
  return { day, runs: count, failed, inputTokens, outputTokens, costUsd };
}

/** `2026-11-20` and the six days before it, the oldest first. */
function lastDays(timeZone: string, nowMs: number): string[] {
  const [year, month, day] = todayIn(timeZone, nowMs);
  const noonMs = Date.UTC(year, month - 1, day, 12);
  return Array.from({ length: dayCount }, (_, index) =>
    new Date(noonMs - (dayCount - 1 - index) * dayMs).toISOString().slice(0, 10),
  );
}

function todayIn(timeZone: string, nowMs: number): [number, number, number] {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', { timeZone, year: 'numeric', month: 'numeric', day: 'numeric' });
  } catch (cause) {
    throw new PolydevError('invalid_request', `There is no time zone ${timeZone}.`, { cause });
  }
  const parts = format.formatToParts(nowMs);
  const part = (type: string) => Number(parts.find((candidate) => candidate.type === type)?.value);
  return [part('year'), part('month'), part('day')];
}
