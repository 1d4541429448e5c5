/** The shape of what is still coming, in its final size. */

import { classes } from './classes.ts';

export function Skeleton({ className }: { className?: string }) {
  return <span aria-hidden className={classes('block rounded-sm bg-line animate-breathe', className)} />;
}
