/** Dialogs. Radix's own overlay is not used: it writes a style element, which the page's policy refuses. */

import { AlertDialog, Dialog as RadixDialog } from 'radix-ui';
import type { ReactNode } from 'react';
import { Button } from './button.tsx';

const overlay = 'fixed inset-0 z-40 bg-veil';
const panel =
  'fixed z-50 inset-x-4 bottom-4 mx-auto max-h-[calc(100dvh-2rem)] overflow-auto rounded-lg border border-line bg-raised p-5 shadow-float outline-none animate-appear sm:inset-x-0 sm:bottom-auto sm:top-[16vh] sm:w-[27rem] sm:p-6';
const heading = 'text-lg font-semibold';

export interface DialogProps {
  open: boolean;
  onOpenChange(open: boolean): void;
  title: string;
  description?: ReactNode;
  children: ReactNode;
}

export function Dialog({ open, onOpenChange, title, description, children }: DialogProps) {
  return (
    <RadixDialog.Root open={open} onOpenChange={onOpenChange}>
      <RadixDialog.Portal>
        <div className={overlay} aria-hidden />
        <RadixDialog.Content data-modal className={panel} {...(description ? {} : { 'aria-describedby': undefined })}>
          <RadixDialog.Title className={heading}>{title}</RadixDialog.Title>
          {description && (
            <RadixDialog.Description className="mt-1.5 text-sm text-muted">{description}</RadixDialog.Description>
          )}
          <div className="mt-5">{children}</div>
        </RadixDialog.Content>
      </RadixDialog.Portal>
    </RadixDialog.Root>
  );
}

export interface ConfirmProps {
  open: boolean;
  onOpenChange(open: boolean): void;
  title: string;
  description: ReactNode;
  /** The verb on the button. */
  confirm: string;
  busy?: boolean;
  error?: ReactNode;
  onConfirm(): void;
}

export function Confirm({ open, onOpenChange, title, description, confirm, busy, error, onConfirm }: ConfirmProps) {
  return (
    <AlertDialog.Root open={open} onOpenChange={onOpenChange}>
      <AlertDialog.Portal>
        <div className={overlay} aria-hidden />
        <AlertDialog.Content data-modal className={panel}>
          <AlertDialog.Title className={heading}>{title}</AlertDialog.Title>
          <AlertDialog.Description className="mt-1.5 text-sm text-muted">{description}</AlertDialog.Description>
          {error && <div className="mt-4">{error}</div>}
          <div className="mt-6 flex flex-wrap justify-end gap-2">
            <AlertDialog.Cancel asChild>
              <Button>Keep it</Button>
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
