/** A key pressed on a page that may not have painted yet, until it was heard where it leads. */

const pressAgainMs = 700;

/** Rejects as `heard` does. */
export async function pressUntil(heard: Promise<unknown>, press: () => void | Promise<void>): Promise<void> {
  let over = false;
  const end = () => {
    over = true;
  };
  heard.then(end, end);
  while (!over) {
    await press();
    await Promise.race([heard, new Promise((resolve) => setTimeout(resolve, pressAgainMs))]);
  }
  await heard;
}
