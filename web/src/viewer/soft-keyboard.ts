/** Brings up the on-screen keyboard of a phone: a field that is there to be typed into, and never seen. */

import type { KeyName } from './keys.ts';

export interface SoftKeyboard {
  show(): void;
  dispose(): void;
}

/** Stands in the field at first, so that there is something to delete. */
const filler = '.'.repeat(32);
const mostCharacters = 512;

export function createSoftKeyboard(
  frame: HTMLElement,
  onText: (text: string) => void,
  onKey: (key: KeyName) => void,
): SoftKeyboard {
  const field = document.createElement('textarea');
  field.className = 'viewer-soft-keyboard';
  field.tabIndex = -1;
  field.setAttribute('aria-label', 'Keyboard for the desktop');
  for (const name of ['autocapitalize', 'autocomplete', 'autocorrect']) field.setAttribute(name, 'off');
  field.spellcheck = false;
  frame.append(field);

  let last = '';
  function refill(): void {
    last = filler;
    field.value = filler;
    field.setSelectionRange(filler.length, filler.length);
  }
  refill();

  // Phones tell no keys while they compose a word: what counts is how the field changed.
  field.addEventListener('input', (event) => {
    const { deleted, added } = difference(last, field.value);
    for (let index = 0; index < deleted; index += 1) onKey('Backspace');
    if (added !== '') onText(added);
    last = field.value;
    const composing = event instanceof InputEvent && event.isComposing;
    if (!composing && (last.length > mostCharacters || last.length < filler.length / 2)) refill();
  });
  field.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.isComposing) return;
    event.preventDefault();
    onKey('Enter');
  });

  return {
    show() {
      refill();
      field.focus({ preventScroll: true });
    },
    dispose: () => field.remove(),
  };
}

/** How many characters went from the end of `before`, and what came in their place. */
export function difference(before: string, after: string): { deleted: number; added: string } {
  let same = 0;
  while (same < before.length && same < after.length && before[same] === after[same]) same += 1;
  return { deleted: before.length - same, added: after.slice(same) };
}
