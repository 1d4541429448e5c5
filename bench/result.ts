/** What a bench answers, and how people read it. */

/** One case: times, a size, or how often it came about. */
export interface Case {
  /** Milliseconds. */
  p50?: number;
  p95?: number;
  p99?: number;
  /** Number of measurements. */
  n: number;
  /** Size, where the case has one. */
  bytes?: number;
  /** Of one processor, milliseconds a second. */
  cpu?: number;
}

/** A case that is times. */
export type Spread = Case & Required<Pick<Case, 'p50' | 'p95' | 'p99'>>;

export interface BenchResult {
  bench: string;
  results: Record<string, Case>;
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
  const [p50, p95, p99] = [quantile(sorted, 0.5), quantile(sorted, 0.95), quantile(sorted, 0.99)];
  return { p50, p95, p99, n: sorted.length };
}

/** Linear between the two nearest ranks. */
function quantile(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? low;
  return rounded(low + (high - low) * (at - Math.floor(at)));
}

export const rounded = (number: number) => Math.round(number * 10) / 10;

export function asTable({ bench, results, ratios }: BenchResult): string {
  const lines = [line(bench, ['p50', 'p95', 'p99', 'n', '', ''])];
  for (const [name, { p50, p95, p99, n, bytes, cpu }] of Object.entries(results))
    lines.push(
      line(name, [inMs(p50), inMs(p95), inMs(p99), String(n), sizeOf(bytes), cpu === undefined ? '' : `${cpu} ms/s`]),
    );
  for (const [name, ratio] of Object.entries(ratios)) lines.push(line(name, [ratio.toFixed(2)]));
  return `${lines.join('\n')}\n`;
}

const widths = [12, 12, 12, 6, 11, 12];

function line(name: string, cells: readonly string[]): string {
  return [name.padEnd(20), ...cells.map((cell, at) => cell.padStart(widths[at] ?? 0))].join('').trimEnd();
}

const inMs = (ms: number | undefined) => (ms === undefined ? '' : `${ms} ms`);

function sizeOf(bytes: number | undefined): string {
  if (bytes === undefined) return '';
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}
