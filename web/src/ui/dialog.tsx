/** Dialogs. Radix's own overlay is not used: it writes a style element, which the page's policy refuses. */

import { AlertDialog, Dialog as RadixDialog } from 'radix-ui';
import type { ReactNode } from 'react';
import { Button } from './button.tsx';
import { classes } from './classes.ts';

const overlay = 'fixed inset-0 z-40 bg-veil';
const panel =
  'fixed z-50 inset-x-4 mx-auto max-h-[calc(100dvh-2rem)] overflow-auto rounded-lg border border-line bg-raised shadow-float outline-none animate-appear sm:inset-x-0 sm:bottom-auto sm:top-[16vh]';
/** On a phone: within the thumb's reach; a list below a field stands at the top, out of the keyboard's way. */
const low = 'bottom-4';
const high = 'top-4';
const padding = 'p-5 sm:p-6';
const heading = 'text-lg font-semibold';

export interface DialogProps {
  open: boolean;
  onOpenChange(open: boolean): void;
  title: string;
  description?: ReactNode;
  /** Room for a list. */
  wide?: boolean;
  /** The content brings its own heading and reaches the edges; the title is only spoken. */
  flush?: boolean;
  children: ReactNode;
}

export function Dialog(props: DialogProps) {
  const { open, onOpenChange, title, description, wide = false, flush = false, children } = props;
  return (
    <RadixDialog.Root open={open} onOpenChange={onOpenChange}>
      <RadixDialog.Portal>
        <div className={overlay} aria-hidden />
        <RadixDialog.Content
          data-modal
          onOpenAutoFocus={keepSoftKeyboardAway}
          className={classes(panel, flush ? high : low, !flush && padding, wide ? 'sm:w-[34rem]' : 'sm:w-[27rem]')}
          {...(description ? {} : { 'aria-describedby': undefined })}
        >
          <RadixDialog.Title className={flush ? 'sr-only' : heading}>{title}</RadixDialog.Title>
          {description && (
            <RadixDialog.Description className="mt-1.5 text-sm text-muted">{description}</RadixDialog.Description>
          )}
          <div className={flush ? undefined : 'mt-5'}>{children}</div>
        </RadixDialog.Content>
      </RadixDialog.Portal>
    </RadixDialog.Root>
  );
}

/** A field that did not ask for the focus does not get it on a phone, whose keyboard would hide the rest. */
function keepSoftKeyboardAway(event: Event): void {
  if (!matchMedia('(pointer: coarse)').matches || !(event.currentTarget instanceof HTMLElement)) return;
  event.preventDefault();
  event.currentTarget.focus();
}

export interface ConfirmProps {
  open: boolean;
  onOpenChange(open: boolean): void;
  title: string;
  description: ReactNode;
  /** The verb on the button. */
  confirm: string;
  /** The word on the other button. */
  cancel?: string;
  busy?: boolean;
  error?: ReactNode;
  onConfirm(): void;
}

export function Confirm(props: ConfirmProps) {
  const { open, onOpenChange, title, description, confirm, cancel = 'Keep it', busy, error, onConfirm } = props;
  return (
    <AlertDialog.Root open={open} onOpenChange={onOpenChange}>
      <AlertDialog.Portal>
        <div className={overlay} aria-hidden />
        <AlertDialog.Content data-modal aria-modal className={classes(panel, low, padding, 'sm:w-[27rem]')}>
          <AlertDialog.Title className={heading}>{title}</AlertDialog.Title>
          <AlertDialog.Description className="mt-1.5 text-sm text-muted">{description}</AlertDialog.Description>
          {error && <div className="mt-4">{error}</div>}
          <div className="mt-6 flex flex-wrap justify-end gap-2">
            <AlertDialog.Cancel asChild>
              <Button>{cancel}</Button>
            </AlertDialog.Cancel>
            <Button look="danger" busy={busy ?? false} onClick={onConfirm}>
              {confirm}
            </Button>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
