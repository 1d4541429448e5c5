// A file of the dashboard that did not come would leave a page without looks, or empty: the page loads again. Browsers
// break off what is on its way when the computer's network changes, and on Polydev's own computer each sandbox that
// starts or ends changes it.
const key = 'polydev.loaded-again';
const withinMs = 60_000;
const tries = 4;
let isToLoad = false;

function loadAgain() {
  try {
    const nowMs = Date.now();
    const lately = JSON.parse(sessionStorage.getItem(key) ?? '[]').filter((atMs) => nowMs - atMs < withinMs);
    if (isToLoad || lately.length >= tries) return;
    isToLoad = true;
    sessionStorage.setItem(key, JSON.stringify([...lately, nowMs]));
    // At once, then later each time: no browser says when its network has settled.
    setTimeout(() => location.reload(), 300 * lately.length);
  } catch {
    // Storage is refused: without a count this might go on for ever.
  }
}

addEventListener(
  'error',
  ({ target }) => {
    if (target instanceof HTMLScriptElement || target instanceof HTMLLinkElement) loadAgain();
  },
  { capture: true },
);
addEventListener('vite:preloadError', loadAgain);
