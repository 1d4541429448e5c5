/** Keys that a phone does not have, or that the browser keeps for itself. */

import { ArrowDown, ArrowLeft, ArrowRight, ArrowUp, Keyboard } from 'lucide-react';
import type { ReactNode } from 'react';
import { classes } from '../ui/classes.ts';
import type { Modifier } from './input.ts';
import type { KeyName } from './keys.ts';

export interface KeyRowProps {
  held: readonly Modifier[];
  disabled: boolean;
  onKey(key: KeyName): void;
  onModifier(modifier: Modifier): void;
  onSoftKeyboard(): void;
}

type Item = { name: string; face?: ReactNode } & ({ key: KeyName } | { modifier: Modifier });

/** What is needed most comes first: a phone shows as many as fit, the rest by scrolling. */
const items: Item[] = [
  { key: 'Escape', name: 'Esc' },
  { key: 'Tab', name: 'Tab' },
  { modifier: 'Control', name: 'Ctrl' },
  { key: 'ArrowLeft', name: 'Left', face: <ArrowLeft className="size-4" aria-hidden /> },
  { key: 'ArrowUp', name: 'Up', face: <ArrowUp className="size-4" aria-hidden /> },
  { key: 'ArrowDown', name: 'Down', face: <ArrowDown className="size-4" aria-hidden /> },
  { key: 'ArrowRight', name: 'Right', face: <ArrowRight className="size-4" aria-hidden /> },
  { key: 'Enter', name: 'Enter' },
  { modifier: 'Alt', name: 'Alt' },
];

const keyClasses =
  'inline-flex h-10 min-w-10 shrink-0 items-center justify-center rounded-md border px-2 text-sm transition-colors disabled:opacity-50';

export function KeyRow({ held, disabled, onKey, onModifier, onSoftKeyboard }: KeyRowProps) {
  return (
    <fieldset
      aria-label="Keys for the desktop"
      className="flex shrink-0 gap-1.5 overflow-x-auto border-t border-line px-2 py-2 thin-scroll"
    >
      <span className="hidden pointer-coarse:contents">
        <button
          type="button"
          aria-label="On-screen keyboard"
          disabled={disabled}
          onClick={onSoftKeyboard}
          className={classes(keyClasses, 'border-line hover:bg-sunken')}
        >
          <Keyboard className="size-4" aria-hidden />
        </button>
      </span>
      {items.map((item) => {
        const { name, face } = item;
        if ('key' in item) {
          return (
            <button
              key={name}
              type="button"
              disabled={disabled}
              aria-label={name}
              onPointerDown={keepFocus}
              onClick={() => onKey(item.key)}
              className={classes(keyClasses, 'border-line hover:bg-sunken')}
            >
              {face ?? name}
            </button>
          );
        }
        const down = held.includes(item.modifier);
        return (
          <button
            key={name}
            type="button"
            disabled={disabled}
            aria-pressed={down}
            title={down ? `${name} is held for the next key` : `Hold ${name} for the next key`}
            onPointerDown={keepFocus}
            onClick={() => onModifier(item.modifier)}
            className={classes(
              keyClasses,
              down ? 'border-accent bg-accent text-on-accent' : 'border-line hover:bg-sunken',
            )}
          >
            {name}
          </button>
        );
      })}
    </fieldset>
  );
}

/** A tap on a key leaves the focus in the picture, and the phone's keyboard where it is. */
function keepFocus(event: { preventDefault(): void }): void {
  event.preventDefault();
}
