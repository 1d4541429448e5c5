/** A small sign for each tool: a shape that tells them apart, not their makers' logos. */

import type { ProviderId } from '@polydev/protocol';
import { Asterisk, Hexagon, type LucideIcon, Sparkle } from 'lucide-react';
import { classes } from '../ui/classes.ts';

const marks: Record<ProviderId, LucideIcon> = {
  claude_code: Asterisk,
  openai_codex: Hexagon,
  google_gemini: Sparkle,
};

export function ProviderMark({ provider, size = 'large' }: { provider: ProviderId; size?: 'large' | 'small' }) {
  const Icon = marks[provider];
  if (size === 'small') return <Icon className="size-4 shrink-0 text-muted" aria-hidden />;
  return (
    <span className={classes('grid size-11 shrink-0 place-items-center rounded-lg bg-accent-soft text-accent')}>
      <Icon className="size-5.5" strokeWidth={2} aria-hidden />
    </span>
  );
}
