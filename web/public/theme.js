// The chosen theme, before anything is painted. src/ui/theme.ts keeps it.
const root = document.documentElement;
try {
  const theme = localStorage.getItem('polydev.theme');
  if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
} catch {
  // Storage is refused: the system decides.
}

// The browser colours its own bars by the first of these whose media fits; it cannot see what was chosen.
function colourBars() {
  const chosen = root.dataset.theme;
  for (const meta of document.querySelectorAll('meta[name="theme-color"]')) {
    const { theme } = meta.dataset;
    meta.media = chosen === undefined ? `(prefers-color-scheme: ${theme})` : chosen === theme ? 'all' : 'not all';
  }
}
colourBars();
new MutationObserver(colourBars).observe(root, { attributeFilter: ['data-theme'] });
