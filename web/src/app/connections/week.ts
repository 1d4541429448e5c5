/** A tool's last seven days, from the runs. Pure. */

import type { ProviderId, Run } from '@polydev/protocol';

export interface Week {
  /** Runs on each of seven days, today last. */
  days: number[];
  runs: number;
  tokens: number;
}

const dayMs = 86_400_000;

export function weekOf(provider: ProviderId, runs: readonly Run[], nowMs: number): Week {
  const midnight = new Date(nowMs).setHours(24, 0, 0, 0);
  const week: Week = { days: [0, 0, 0, 0, 0, 0, 0], runs: 0, tokens: 0 };
  for (const run of runs) {
    const daysAgo = Math.floor((midnight - run.createdAtMs) / dayMs);
    const index = 6 - daysAgo;
    if (run.provider !== provider || index < 0 || index > 6) continue;
    week.days[index] = (week.days[index] ?? 0) + 1;
    week.runs += 1;
    week.tokens += (run.usage?.inputTokens ?? 0) + (run.usage?.outputTokens ?? 0);
  }
  return week;
}
