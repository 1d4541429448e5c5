/** A few choices side by side, of which one holds. */

import { type ReactNode, useId } from 'react';

export interface SegmentsProps<T extends string> {
  label: string;
  value: T;
  choices: readonly { value: T; name: string; icon?: ReactNode }[];
  onChange(value: T): void;
}

export function Segments<T extends string>({ label, value, choices, onChange }: SegmentsProps<T>) {
  const name = useId();
  return (
    <fieldset aria-label={label} className="flex w-full gap-1 rounded-lg bg-sunken p-1 sm:w-fit">
      {choices.map((choice) => (
        <label
          key={choice.value}
          className="flex min-h-10 flex-1 cursor-pointer items-center justify-center gap-2 rounded-md px-4 text-sm text-muted transition-colors hover:text-text has-checked:bg-raised has-checked:font-medium has-checked:text-text has-checked:ring-1 has-checked:ring-line has-focus-visible:outline-2 has-focus-visible:outline-accent [&>svg]:size-4"
        >
          <input
            type="radio"
            name={name}
            value={choice.value}
            checked={choice.value === value}
            onChange={() => onChange(choice.value)}
            className="sr-only"
          />
          {choice.icon}
          {choice.name}
        </label>
      ))}
    </fieldset>
  );
}
