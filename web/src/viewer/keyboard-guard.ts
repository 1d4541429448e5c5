/** Sees keys before the remote desktop does: the way out of it, and pasting. */

export interface Paste {
  /** With Shift, as terminals want it. */
  key: 'v' | 'V';
  /** Modifiers that belong to it and were let go of meanwhile. */
  missing: readonly ('Control' | 'Shift')[];
}

export interface KeyboardGuard {
  /** Ctrl, Alt and Shift together: give the keyboard back to the page. */
  onLeave(): void;
  /** The person pastes; resolves when the remote clipboard has what is to be pasted. */
  beforePaste(): Promise<void>;
  /** Sends the key that was held back for that. */
  resendPaste(paste: Paste): void;
  /** A key of the real keyboard was released. */
  onKeyUp(): void;
}

/** Answers a function that takes the guard away. */
export function guardKeyboard(frame: HTMLElement, guard: KeyboardGuard): () => void {
  /** Of the keys of the last paste, those that are no longer pressed. */
  const letGo = new Set<string>();

  function onKeyDown(event: KeyboardEvent): void {
    if (event.ctrlKey && event.altKey && event.shiftKey && ['Control', 'Alt', 'Shift'].includes(event.key)) {
      event.preventDefault();
      event.stopPropagation();
      guard.onLeave();
    } else if (event.code === 'KeyV' && event.ctrlKey && !event.altKey && !event.repeat) {
      event.preventDefault();
      event.stopPropagation();
      const { shiftKey } = event;
      const modifiers = shiftKey ? (['Control', 'Shift'] as const) : (['Control'] as const);
      letGo.clear();
      void guard.beforePaste().then(() => {
        guard.resendPaste({ key: shiftKey ? 'V' : 'v', missing: modifiers.filter((name) => letGo.has(name)) });
      });
    }
  }
  function onKeyUp({ key }: KeyboardEvent): void {
    letGo.add(key);
    guard.onKeyUp();
  }
  /** With the window in the background, as while the browser asks about the clipboard, no key counts as pressed. */
  function onBlur(): void {
    letGo.add('Control').add('Shift');
  }
  // The picture keeps the events of keys to itself, so they are caught on their way to it.
  frame.addEventListener('keydown', onKeyDown, { capture: true });
  frame.addEventListener('keyup', onKeyUp, { capture: true });
  window.addEventListener('blur', onBlur);
  return () => {
    frame.removeEventListener('keydown', onKeyDown, { capture: true });
    frame.removeEventListener('keyup', onKeyUp, { capture: true });
    window.removeEventListener('blur', onBlur);
  };
}
