/** The clipboard by hand, for browsers that do not let the page touch it. */

import { useId, useState } from 'react';
import { Button } from '../ui/button.tsx';
import { CopyButton } from '../ui/copy-button.tsx';

export interface ClipboardPanelProps {
  /** What the desktop copied last. */
  remote: { text: string; copied: boolean } | null;
  disabled: boolean;
  onSend(text: string): void;
}

export function ClipboardPanel({ remote, disabled, onSend }: ClipboardPanelProps) {
  const id = useId();
  const [text, setText] = useState('');
  return (
    <div className="grid shrink-0 gap-4 border-t border-line p-3 sm:grid-cols-2">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (text === '') return;
          onSend(text);
          setText('');
        }}
      >
        <label htmlFor={id} className="block text-xs text-muted">
          To the desktop
        </label>
        <div className="mt-1 flex gap-2">
          <textarea
            id={id}
            rows={1}
            value={text}
            onChange={(event) => setText(event.target.value)}
            placeholder="Paste here"
            className="h-10 min-w-0 flex-1 resize-none rounded-md border border-line-strong bg-surface px-3 py-2 text-sm placeholder:text-muted"
          />
          <Button type="submit" disabled={disabled || text === ''}>
            Send
          </Button>
        </div>
      </form>
      <div className="min-w-0">
        <p className="text-xs text-muted">From the desktop{remote?.copied ? ', already on your clipboard' : ''}</p>
        <div className="mt-1 flex h-10 items-center gap-1 rounded-md bg-sunken pl-3">
          <p className="min-w-0 flex-1 truncate text-sm">
            {remote?.text ?? <span className="text-muted">Nothing copied there yet</span>}
          </p>
          {remote && <CopyButton text={remote.text} label="Copy" />}
        </div>
      </div>
    </div>
  );
}
