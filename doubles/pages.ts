/** The frame around every page a double shows, in one calm style. */

export interface Look {
  /** What the person signs in to, for example `Claude`. */
  product: string;
  accent: string;
}

/** Makes text safe between tags and in quoted attributes. */
export function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

/** `main` is trusted HTML: escape what comes from outside first. */
export function page(look: Look, title: string, main: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
<style>
  :root { --accent: ${look.accent}; font: 18px/1.5 system-ui, sans-serif; color: #1d1f23; background: #f4f4f1; }
  * { box-sizing: border-box; }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; }
  main { width: min(36rem, 100%); background: #fff; border: 1px solid #e2e2dd; border-radius: 16px; padding: 2rem 2.5rem;
    box-shadow: 0 12px 40px rgb(0 0 0 / 7%); }
  .stand-in { display: inline-block; margin: 0 0 1rem; padding: .2rem .8rem; border-radius: 99px; font-size: .85rem;
    background: color-mix(in srgb, var(--accent) 12%, white); color: #3c3f45; }
  h1 { margin: 0 0 1rem; font-size: 1.5rem; line-height: 1.25; font-weight: 650; }
  p { margin: 0 0 1rem; }
  ul { margin: 0 0 1.5rem; padding-left: 1.2rem; color: #4a4e55; }
  .who { display: flex; gap: 1rem; align-items: center; margin: 0 0 1rem; padding: .75rem 1rem; border: 1px solid #e2e2dd;
    border-radius: 12px; }
  .who span { flex: none; width: 3rem; height: 3rem; border-radius: 50%; display: grid; place-items: center;
    background: var(--accent); color: #fff; font-size: 1.3rem; font-weight: 650; }
  .who div { line-height: 1.35; }
  .who small { display: block; color: #62666e; font-size: .95rem; }
  .buttons { display: grid; gap: .8rem; }
  button { width: 100%; min-height: 3.25rem; border-radius: 12px; font: inherit; font-size: 1.1rem; font-weight: 600;
    cursor: pointer; border: 1px solid #cfcfc9; background: #fff; color: inherit; }
  button.main { background: var(--accent); border-color: var(--accent); color: #fff; }
  button:focus-visible, input:focus-visible { outline: 3px solid #1d1f23; outline-offset: 3px; }
  input { width: 100%; min-height: 3.5rem; margin: 0 0 1.5rem; padding: 0 1rem; border-radius: 12px; font: inherit;
    border: 1px solid #cfcfc9; }
  input.code { font-family: ui-monospace, monospace; font-size: 1rem; }
</style>
</head>
<body>
<main>
<p class="stand-in">Local stand-in for ${escapeHtml(look.product)}: no real account is used</p>
${main}
</main>
</body>
</html>
`;
}

export function messagePage(look: Look, title: string, text: string): string {
  return page(look, title, `<h1>${escapeHtml(title)}</h1>\n<p>${escapeHtml(text)}</p>`);
}
