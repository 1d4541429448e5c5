/** A failure in the page, with a way to try again. */

import { Button } from './button.tsx';
import { Note } from './note.tsx';

export interface FailureNoteProps {
  message: string;
  hint: string;
  onRetry?: () => void;
  retryLabel?: string;
  className?: string;
}

export function FailureNote({ message, hint, onRetry, retryLabel = 'Try again', className }: FailureNoteProps) {
  return (
    <Note
      tone="bad"
      title={message}
      className={className}
      action={onRetry && <Button onClick={onRetry}>{retryLabel}</Button>}
    >
      {hint}
    </Note>
  );
}
