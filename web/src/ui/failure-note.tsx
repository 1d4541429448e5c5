/** A failure in the page, with a way to try again. */

import { Button } from './button.tsx';
import { Note } from './note.tsx';

export interface FailureNoteProps {
  message: string;
  hint: string;
  /** There is no point in trying again. */
  final?: boolean;
  onRetry?: () => void;
  className?: string;
}

export function FailureNote(props: FailureNoteProps) {
  const { message, hint, final = false, onRetry, className } = props;
  return (
    <Note
      tone="bad"
      title={message}
      className={className}
      action={onRetry && !final && <Button onClick={onRetry}>Try again</Button>}
    >
      {hint}
    </Note>
  );
}
