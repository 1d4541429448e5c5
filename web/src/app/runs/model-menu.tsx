/** Which model: the tool's own choice, one used before, or any other by its name. */

import { ChevronDown } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Field } from '../../ui/field.tsx';
import { Menu, MenuChoices, MenuItem, MenuLabel, MenuLine } from '../../ui/menu.tsx';

export interface ModelMenuProps {
  /** Empty: the tool's default. */
  model: string;
  known: readonly string[];
  onModel(model: string): void;
}

/** As the API takes it. */
const modelPattern = '[A-Za-z0-9][A-Za-z0-9._:\\/\\-]*';

export function ModelMenu({ model, known, onModel }: ModelMenuProps) {
  const [asking, setAsking] = useState(false);
  const [typed, setTyped] = useState('');
  const choices = [...new Set([...known, model])].filter((name) => name !== '');

  function submit(event: FormEvent): void {
    event.preventDefault();
    onModel(typed.trim());
    setAsking(false);
  }

  return (
    <>
      <Menu
        align="start"
        side="top"
        label="Model"
        trigger={
          <Button
            look="plain"
            className="min-w-0 shrink gap-1 font-normal"
            aria-label={model ? `Model: ${model}` : undefined}
          >
            <span className="truncate">
              {model || (
                <>
                  <span className="sm:hidden">Model</span>
                  <span className="max-sm:hidden">Default model</span>
                </>
              )}
            </span>
            <ChevronDown className="size-3.5 shrink-0" aria-hidden />
          </Button>
        }
      >
        <MenuLabel>Model</MenuLabel>
        <MenuChoices
          value={model}
          onChange={onModel}
          choices={[{ value: '', name: 'The tool’s default' }, ...choices.map((name) => ({ value: name, name }))]}
        />
        <MenuLine />
        <MenuItem
          onSelect={() => {
            setTyped(model);
            setAsking(true);
          }}
        >
          Another one
        </MenuItem>
      </Menu>
      <Dialog
        open={asking}
        onOpenChange={setAsking}
        title="Another model"
        description="Its name goes to the tool as you write it."
      >
        <form onSubmit={submit}>
          <Field
            label="Model"
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
            pattern={modelPattern}
            maxLength={100}
            required
            autoFocus
            spellCheck={false}
            autoCapitalize="off"
            className="[&_input]:font-mono [&_input]:text-sm"
          />
          <div className="mt-6 flex justify-end gap-2">
            <Button onClick={() => setAsking(false)}>Cancel</Button>
            <Button type="submit" look="primary">
              Use it
            </Button>
          </div>
        </form>
      </Dialog>
    </>
  );
}
