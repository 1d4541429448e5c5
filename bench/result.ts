/** What a bench answers, and how people read it. */

export interface Spread {
  /** Milliseconds. */
  p50: number;
  p95: number;
  /** Number of measurements. */
  n: number;
  /** Size, where the case has one. */
  bytes?: number;
}

export interface BenchResult {
  bench: string;
  results: Record<string, Spread>;
  ratios: Record<string, number>;
}

export interface BenchOptions {
  /** How often each case is measured. */
  rounds: number;
  /** Progress for people, on stderr. */
  say(text: string): void;
}

export type Bench = (options: BenchOptions) => Promise<Omit<BenchResult, 'bench'>>;

export function spreadOf(samplesMs: readonly number[]): Spread {
  const sorted = [...samplesMs].sort((a, b) => a - b);
  return { p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95), n: sorted.length };
}

/** Linear between the two nearest ranks. */
function quantile(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? low;
  return Math.round((low + (high - low) * (at - Math.floor(at))) * 10) / 10;
}

export function asTable({ bench, results, ratios }: BenchResult): string {
  const lines = [`${bench.padEnd(20)} ${'p50'.padStart(10)} ${'p95'.padStart(10)} ${'n'.padStart(5)}`];
  for (const [name, { p50, p95, n, bytes }] of Object.entries(results)) {
    const size = bytes === undefined ? '' : `   ${(bytes / 1e9).toFixed(2)} GB`;
    lines.push(
      `${name.padEnd(20)} ${`${p50} ms`.padStart(10)} ${`${p95} ms`.padStart(10)} ${String(n).padStart(5)}${size}`,
    );
  }
  for (const [name, ratio] of Object.entries(ratios)) lines.push(`${name.padEnd(20)} ${ratio.toFixed(2).padStart(10)}`);
  return `${lines.join('\n')}\n`;
}
