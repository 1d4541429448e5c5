/** Buttons, and links that look like them. */

import { LoaderCircle } from 'lucide-react';
import type { ComponentProps } from 'react';
import { Link, type LinkProps } from 'react-router';
import { classes } from './classes.ts';

export type ButtonLook = 'primary' | 'quiet' | 'plain' | 'danger';

const looks: Record<ButtonLook, string> = {
  primary: 'bg-accent text-on-accent hover:bg-accent-hover',
  quiet: 'border border-line bg-surface text-text hover:bg-sunken',
  plain: 'text-muted hover:bg-sunken hover:text-text',
  danger: 'bg-bad text-surface hover:brightness-110',
};

function buttonClasses(look: ButtonLook, className?: string, square = false): string {
  return classes(
    square ? 'size-10 shrink-0' : 'px-3.5',
    'inline-flex min-h-10 items-center justify-center gap-2 rounded-md text-sm font-medium whitespace-nowrap transition-colors select-none',
    'disabled:cursor-default disabled:opacity-55',
    looks[look],
    className,
  );
}

export interface ButtonProps extends ComponentProps<'button'> {
  look?: ButtonLook;
  /** Work that this button started is under way. */
  busy?: boolean;
}

export function Button({ look = 'quiet', busy = false, className, children, disabled, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      className={buttonClasses(look, className)}
      disabled={disabled || busy}
      aria-busy={busy || undefined}
      {...rest}
    >
      {busy && <LoaderCircle className="size-4 animate-spin" aria-hidden />}
      {children}
    </button>
  );
}

/** A square button with a picture only; `label` is spoken and shown on hover. */
export function IconButton({
  label,
  look = 'plain',
  className,
  ...rest
}: ComponentProps<'button'> & { label: string; look?: ButtonLook }) {
  return (
    <button type="button" aria-label={label} title={label} className={buttonClasses(look, className, true)} {...rest} />
  );
}

export function ButtonLink({ look = 'quiet', className, ...rest }: LinkProps & { look?: ButtonLook }) {
  return <Link className={buttonClasses(look, className)} {...rest} />;
}

/** A square link with a picture only; `label` is spoken and shown on hover. */
export function IconLink({
  label,
  look = 'plain',
  className,
  ...rest
}: LinkProps & { label: string; look?: ButtonLook }) {
  return <Link aria-label={label} title={label} className={buttonClasses(look, className, true)} {...rest} />;
}
