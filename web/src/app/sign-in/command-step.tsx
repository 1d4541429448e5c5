/** The tool's login command: to type, to copy, or to have typed. Beside it, the tool's other ways in. */

import type { ProviderInfo } from '@polydev/protocol';
import { ChevronDown } from 'lucide-react';
import { useState } from 'react';
import { Button, IconButton } from '../../ui/button.tsx';
import { CopyButton } from '../../ui/copy-button.tsx';
import { Menu, MenuChoices } from '../../ui/menu.tsx';

export interface CommandStepProps {
  provider: ProviderInfo;
  canType: boolean;
  onType(text: string): Promise<boolean>;
}

export function CommandStep({ provider, canType, onType }: CommandStepProps) {
  const ways = [{ name: 'The usual way', command: provider.loginCommand }, ...provider.otherLogins];
  const [command, setCommand] = useState(provider.loginCommand);
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
        <CopyButton text={command} label="Copy the command" className="max-lg:hidden" />
      </div>
      <div className="flex shrink-0 items-center gap-1.5 lg:mt-2.5">
        <Button look="primary" className="lg:flex-1" disabled={!canType} busy={typing} onClick={() => void type()}>
          Type it for me
        </Button>
        {ways.length > 1 && (
          <Menu
            label="Ways to sign in"
            trigger={
              <IconButton label="Other ways to sign in" look="quiet">
                <ChevronDown className="size-4" aria-hidden />
              </IconButton>
            }
          >
            <MenuChoices
              value={command}
              choices={ways.map((way) => ({ value: way.command, name: way.name }))}
              onChange={setCommand}
            />
          </Menu>
        )}
      </div>
    </div>
  );
}
