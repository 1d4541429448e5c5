/** The tool's login command: to type, to copy, or to have typed. */

import { useState } from 'react';
import { Button } from '../../ui/button.tsx';
import { CopyButton } from '../../ui/copy-button.tsx';

export interface CommandStepProps {
  command: string;
  canType: boolean;
  onType(text: string): Promise<boolean>;
}

export function CommandStep({ command, canType, onType }: CommandStepProps) {
  const [typing, setTyping] = useState(false);

  async function type(): Promise<void> {
    setTyping(true);
    await onType(`${command}\n`);
    setTyping(false);
  }

  return (
    <div className="mt-1.5 flex items-center gap-2 lg:mt-2.5 lg:block">
      <div className="flex min-w-0 flex-1 items-center rounded-md bg-sunken pl-3">
        <code className="min-w-0 flex-1 truncate text-sm" translate="no">
          {command}
        </code>
        <CopyButton text={command} label="Copy the command" />
      </div>
      <Button
        look="primary"
        className="shrink-0 lg:mt-2.5 lg:w-full"
        disabled={!canType}
        busy={typing}
        onClick={() => void type()}
      >
        Type it for me
      </Button>
    </div>
  );
}
