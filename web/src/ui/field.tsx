/** One labelled line of input, with its help and its error where they are read out. */

import { Eye, EyeOff } from 'lucide-react';
import { type ComponentProps, type ReactNode, useId, useState } from 'react';
import { classes } from './classes.ts';

export interface FieldProps extends Omit<ComponentProps<'input'>, 'id'> {
  label: string;
  help?: ReactNode;
  error?: string;
}

export function Field({ label, help, error, type = 'text', className, ...rest }: FieldProps) {
  const id = useId();
  const [shown, setShown] = useState(false);
  const secret = type === 'password';
  const described = [help && `${id}-help`, error && `${id}-error`].filter(Boolean).join(' ');
  return (
    <div className={className}>
      <label htmlFor={id} className="mb-1.5 block text-sm font-medium">
        {label}
      </label>
      <div className="relative">
        <input
          id={id}
          type={secret && shown ? 'text' : type}
          aria-describedby={described || undefined}
          aria-invalid={error !== undefined || undefined}
          className={classes(
            'h-11 w-full rounded-md border bg-surface px-3 text-base placeholder:text-muted',
            secret && 'pr-11',
            error ? 'border-bad' : 'border-line-strong',
          )}
          {...rest}
        />
        {secret && (
          <button
            type="button"
            onClick={() => setShown(!shown)}
            aria-label={shown ? 'Hide what is typed' : 'Show what is typed'}
            className="absolute top-0.5 right-0.5 grid size-10 place-items-center rounded-sm text-muted hover:text-text"
          >
            {shown ? <EyeOff className="size-4" aria-hidden /> : <Eye className="size-4" aria-hidden />}
          </button>
        )}
      </div>
      {help && (
        <p id={`${id}-help`} className="mt-1.5 text-sm text-muted">
          {help}
        </p>
      )}
      {error && (
        <p id={`${id}-error`} role="alert" className="mt-1.5 text-sm text-bad">
          {error}
        </p>
      )}
    </div>
  );
}
