/** Keys to press together, as they stand on the keyboard. */

import { classes } from './classes.ts';

export function KeyNames({ keys, className }: { keys: readonly string[]; className?: string }) {
  return (
    <span className={classes('shrink-0 items-center gap-1', className ?? 'flex')}>
      {keys.map((key) => (
        <kbd
          key={key}
          className="grid h-5.5 min-w-5.5 place-items-center rounded-sm border border-line px-1.5 font-sans text-xs text-muted"
        >
          {key}
        </kbd>
      ))}
    </span>
  );
}
