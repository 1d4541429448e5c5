/** Keys that do not come from the keyboard: the key row, held modifiers, text typed for the person. */

import { type KeyName, keyCodes, keysyms, keysymsOf } from './keys.ts';

export type Modifier = 'Control' | 'Alt';

export interface KeySender {
  sendKey(keysym: number, code: string | null, down: boolean): void;
}

export interface Input {
  /** Presses and releases a key, together with the modifiers that are held; then lets go of those. */
  press(key: KeyName): void;
  /** Holds a modifier until the next key, or lets go of it. */
  toggle(modifier: Modifier): void;
  /** After a key of the real keyboard. */
  letGo(): void;
  /** Resolves when all of it is sent; false when the picture was lost before. */
  type(text: string): Promise<boolean>;
}

/** Between two typed characters: quick to watch, slow enough for every program to keep up. */
const typingPauseMs = 12;

export function createInput(
  sender: () => KeySender | undefined,
  onModifiers: (held: readonly Modifier[]) => void,
  pause: (ms: number) => Promise<void> = (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
): Input {
  let held: Modifier[] = [];

  function send(key: KeyName, down: boolean): void {
    sender()?.sendKey(keysyms[key], keyCodes[key] ?? null, down);
  }

  function letGo(): void {
    if (held.length === 0) return;
    for (const modifier of held) send(modifier, false);
    held = [];
    onModifiers(held);
  }

  return {
    press(key) {
      send(key, true);
      send(key, false);
      letGo();
    },
    toggle(modifier) {
      const wasHeld = held.includes(modifier);
      send(modifier, !wasHeld);
      held = wasHeld ? held.filter((name) => name !== modifier) : [...held, modifier];
      onModifiers(held);
    },
    letGo,
    async type(text) {
      letGo();
      for (const keysym of keysymsOf(text)) {
        const target = sender();
        if (target === undefined) return false;
        target.sendKey(keysym, null, true);
        target.sendKey(keysym, null, false);
        await pause(typingPauseMs);
      }
      return true;
    },
  };
}
