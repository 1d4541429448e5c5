/**
 * The line before the embedded database, which does one thing at a time. Who only reads goes first: it is mostly a
 * person who waits, while writes are mostly work behind the API. On a server, too, the two go side by side.
 */

/** Then a write has its turn, however many want to read. */
const readsInARow = 16;

export type Line = <T>(what: 'read' | 'write', work: () => Promise<T>) => Promise<T>;

export function createLine(): Line {
  const waiting = { read: [] as (() => Promise<void>)[], write: [] as (() => Promise<void>)[] };
  let isBusy = false;
  let inARow = 0;

  function next() {
    const goesFirst = inARow < readsInARow ? 'read' : 'write';
    const what = waiting[goesFirst].length > 0 ? goesFirst : goesFirst === 'read' ? 'write' : 'read';
    inARow = what === 'read' ? inARow + 1 : 0;
    return waiting[what].shift();
  }

  async function goOn(): Promise<void> {
    if (isBusy) return;
    isBusy = true;
    for (let work = next(); work; work = next()) await work();
    isBusy = false;
  }

  return (what, work) =>
    new Promise((resolve, reject) => {
      waiting[what].push(() => work().then(resolve, reject));
      void goOn();
    });
}
