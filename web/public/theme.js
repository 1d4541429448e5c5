// The chosen theme, before anything is painted. src/ui/theme.ts keeps it.
try {
  const theme = localStorage.getItem('polydev.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage is refused: the system decides.
}
