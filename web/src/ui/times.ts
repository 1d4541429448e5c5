/** Times and amounts in words. Pure. */

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** "just now", "5 min ago", "3 days ago", then the date. */
export function relativeTime(atMs: number, nowMs: number): string {
  const pastMs = nowMs - atMs;
  if (pastMs < 45_000) return 'just now';
  if (pastMs < hourMs) return `${Math.max(1, Math.round(pastMs / minuteMs))} min ago`;
  if (pastMs < dayMs) return `${Math.round(pastMs / hourMs)} h ago`;
  const days = Math.round(pastMs / dayMs);
  if (days === 1) return 'yesterday';
  if (days < 14) return `${days} days ago`;
  return new Date(atMs).toLocaleDateString(undefined, { dateStyle: 'medium' });
}

export function exactTime(atMs: number): string {
  return new Date(atMs).toLocaleString(undefined, { dateStyle: 'full', timeStyle: 'medium' });
}

/** The same in a few words, for where it is always shown. */
export function shortTime(atMs: number): string {
  return new Date(atMs).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
}

/** "< 0.1 s", "0.6 s", "12 s", "3 min 05 s". */
export function duration(ms: number): string {
  if (ms > 0 && ms < 50) return '< 0.1 s';
  if (ms < 9950) return `${(Math.max(0, ms) / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
}

/** "4:31". */
export function countdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

export function tokens(count: number): string {
  return count.toLocaleString();
}
