/** A tool's last seven days, all of its accounts together. Pure. */

import type { AccountUsage, ProviderId } from '@polydev/protocol';

export interface Week {
  /** Runs on each of seven days, today last. */
  days: number[];
  runs: number;
  failed: number;
  tokens: number;
}

export function weekOf(provider: ProviderId, usage: readonly AccountUsage[]): Week {
  const week: Week = { days: [0, 0, 0, 0, 0, 0, 0], runs: 0, failed: 0, tokens: 0 };
  for (const account of usage) {
    if (account.provider !== provider) continue;
    for (const [index, { runs, failed, inputTokens, outputTokens }] of account.days.entries()) {
      week.days[index] = (week.days[index] ?? 0) + runs;
      week.runs += runs;
      week.failed += failed;
      week.tokens += inputTokens + outputTokens;
    }
  }
  return week;
}
