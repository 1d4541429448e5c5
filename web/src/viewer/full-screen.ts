/** Full screen by the browser; where an element may not have that (iPhone), the whole window instead. */

export interface FullScreen {
  readonly on: boolean;
  toggle(): Promise<void>;
  leave(): Promise<void>;
  dispose(): void;
}

/** While on, `element` has the attribute `data-full-screen`. */
export function createFullScreen(element: HTMLElement, onChange: (on: boolean) => void): FullScreen {
  let windowOnly = false;
  const isOn = () => windowOnly || document.fullscreenElement === element;

  function changed(): void {
    element.toggleAttribute('data-full-screen', isOn());
    onChange(isOn());
  }

  async function leave(): Promise<void> {
    if (windowOnly) {
      windowOnly = false;
      changed();
    } else if (document.fullscreenElement === element) {
      await document.exitFullscreen();
    }
  }

  async function enter(): Promise<void> {
    try {
      await element.requestFullscreen({ navigationUI: 'hide' });
    } catch {
      windowOnly = true;
      changed();
    }
  }

  // The browser itself handles Escape in its own full screen.
  function onKeyDown(event: KeyboardEvent): void {
    if (windowOnly && event.key === 'Escape') {
      event.stopPropagation();
      event.preventDefault();
      void leave();
    }
  }

  document.addEventListener('fullscreenchange', changed);
  window.addEventListener('keydown', onKeyDown, { capture: true });
  return {
    get on() {
      return isOn();
    },
    toggle: () => (isOn() ? leave() : enter()),
    leave,
    dispose() {
      document.removeEventListener('fullscreenchange', changed);
      window.removeEventListener('keydown', onKeyDown, { capture: true });
      void leave();
    },
  };
}
