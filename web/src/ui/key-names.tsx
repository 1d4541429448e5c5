/** Keys to press together, as they stand on the keyboard. */

export function KeyNames({ keys }: { keys: readonly string[] }) {
  return (
    <span className="flex shrink-0 items-center gap-1">
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
