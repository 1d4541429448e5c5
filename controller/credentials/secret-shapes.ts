/**
 * Takes out what looks like a secret, for texts that may hold ones nobody told us of. Every pattern is bounded or
 * starts at most once in a word, so that a hostile text takes no longer than another.
 */

const placeholder = '[secret]';

/** The first group, where there is one, stays. */
const shapes: readonly RegExp[] = [
  /-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|$)/g,
  // API keys: Anthropic, OpenAI; Google; GitHub; our own tokens.
  /(?<![\w-])sk-[\w-]{16,}/g,
  /(?<![\w-])AIza[\w-]{20,}/g,
  /(?<![\w-])gh[pousr]_\w{20,}/g,
  /(?<![\w-])pd_[\w-]{20,}/g,
  // OAuth: Google's access and refresh tokens; JWTs.
  /(?<![\w-])ya29\.[\w.-]{16,}/g,
  /(?<![\w/-])1\/\/[\w-]{20,}/g,
  /(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?/g,
  /(Bearer\s{1,3})[\w.~+/-]{16,}=*/gi,
  /([?&#](?:code|state|key|secret|token|access_token|refresh_token|id_token|client_secret|code_verifier)=)[^&#\s"'<>]{6,}/gi,
  /((?:token|secret|password|api[_-]?key)["']?\s{0,3}[:=]\s{0,3}["']?)[^\s"',;]{12,}/gi,
];

export function redactShapes(text: string): string {
  let shown = text;
  for (const shape of shapes) {
    shown = shown.replace(shape, (_, kept: unknown) => (typeof kept === 'string' ? kept + placeholder : placeholder));
  }
  return shown;
}
