/** Which size the remote desktop takes for a given place on the page. Pure. */

export interface Size {
  width: number;
  height: number;
}

/** Below this a sign-in page no longer fits; a smaller place shows a scaled picture. */
const smallest: Size = { width: 720, height: 480 };
/** Above this the picture is scaled up rather than made larger. */
const largest: Size = { width: 2560, height: 1600 };
/** What a desktop has before anyone looks at it. */
const defaultSize: Size = { width: 1920, height: 1080 };

/** One remote pixel to one of the page where that is usable, with the place's own proportions. */
export function remoteSizeFor(place: Size): Size {
  if (place.width < 1 || place.height < 1) return defaultSize;
  const grow = Math.max(1, smallest.width / place.width, smallest.height / place.height);
  const shrink = Math.min(1, largest.width / place.width, largest.height / place.height);
  const factor = grow > 1 ? grow : shrink;
  return {
    width: clampEven(place.width * factor, largest.width),
    height: clampEven(place.height * factor, largest.height),
  };
}

/** Encoders like even numbers. */
function clampEven(value: number, most: number): number {
  return Math.min(Math.floor(value / 2) * 2, most);
}
