/** Sees keys before the remote desktop does: the way out of it, and pasting. */

export interface KeyboardGuard {
  /** Ctrl, Alt and Shift together: give the keyboard back to the page. */
  onLeave(): void;
  /** The person pastes; resolves when the remote clipboard has what is to be pasted. */
  beforePaste(): Promise<void>;
  /** Sends the key that was held back for that. */
  resendPaste(): void;
  /** A key of the real keyboard was released. */
  onKeyUp(): void;
}

/** Answers a function that takes the guard away. */
export function guardKeyboard(frame: HTMLElement, guard: KeyboardGuard): () => void {
  function onKeyDown(event: KeyboardEvent): void {
    if (event.ctrlKey && event.altKey && event.shiftKey && ['Control', 'Alt', 'Shift'].includes(event.key)) {
      event.preventDefault();
      event.stopPropagation();
      guard.onLeave();
    } else if (event.code === 'KeyV' && event.ctrlKey && !event.altKey && !event.repeat) {
      event.preventDefault();
      event.stopPropagation();
      void guard.beforePaste().then(() => guard.resendPaste());
    }
  }
  function onKeyUp(): void {
    guard.onKeyUp();
  }
  frame.addEventListener('keydown', onKeyDown, { capture: true });
  frame.addEventListener('keyup', onKeyUp);
  return () => {
    frame.removeEventListener('keydown', onKeyDown, { capture: true });
    frame.removeEventListener('keyup', onKeyUp);
  };
}
