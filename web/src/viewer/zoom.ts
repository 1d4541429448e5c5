/** Pinch to zoom and two fingers to move, for small touch screens. Uses noVNC's gesture events before noVNC does. */

export interface Zoom {
  /** 1: the whole desktop is seen. */
  readonly factor: number;
  reset(): void;
  dispose(): void;
}

interface Gesture {
  type: string;
  clientX: number;
  clientY: number;
  magnitudeX?: number;
  magnitudeY?: number;
}

const largestFactor = 4;

/** `frame` scrolls; `stage` inside it holds the picture and grows. */
export function createZoom(frame: HTMLElement, stage: HTMLElement, onFactor: (factor: number) => void): Zoom {
  let factor = 1;
  let start = { factor: 1, spread: 1, x: 0, y: 0, left: 0, top: 0 };

  function apply(next: number, centreX: number, centreY: number): void {
    const bounded = Math.min(Math.max(next, 1), largestFactor);
    if (bounded === factor) return;
    const bounds = frame.getBoundingClientRect();
    const x = centreX - bounds.left;
    const y = centreY - bounds.top;
    // The point between the fingers stays between them.
    const left = ((frame.scrollLeft + x) * bounded) / factor - x;
    const top = ((frame.scrollTop + y) * bounded) / factor - y;
    factor = bounded;
    stage.style.width = `${factor * 100}%`;
    stage.style.height = `${factor * 100}%`;
    frame.scrollTo(left, top);
    onFactor(factor);
  }

  function handle(event: Event): void {
    const gesture = (event as CustomEvent<Gesture | undefined>).detail;
    // Safari has gesture events of its own, without a detail.
    if (gesture?.type !== 'pinch' && !(gesture?.type === 'twodrag' && factor > 1)) return;
    event.stopImmediatePropagation();
    const { type, clientX, clientY, magnitudeX = 0, magnitudeY = 0 } = gesture;
    const spread = Math.max(1, Math.hypot(magnitudeX, magnitudeY));
    if (event.type === 'gesturestart') {
      start = { factor, spread, x: magnitudeX, y: magnitudeY, left: frame.scrollLeft, top: frame.scrollTop };
    } else if (event.type === 'gesturemove') {
      if (type === 'pinch') apply((start.factor * spread) / start.spread, clientX, clientY);
      else frame.scrollTo(start.left - (magnitudeX - start.x), start.top - (magnitudeY - start.y));
    }
  }

  const types = ['gesturestart', 'gesturemove', 'gestureend'];
  for (const type of types) frame.addEventListener(type, handle, { capture: true });

  return {
    get factor() {
      return factor;
    },
    reset: () => apply(1, 0, 0),
    dispose() {
      for (const type of types) frame.removeEventListener(type, handle, { capture: true });
    },
  };
}
