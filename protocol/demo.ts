/** What a demo, the product with stand-ins instead of the real providers, agrees on. */

import type { ProviderId } from './run-event.ts';

/** The API keys that a demo's stand-ins accept. No secret: the dashboard of a demo shows them. */
export const demoApiKeys: Readonly<Record<ProviderId, string>> = {
  claude_code: 'sk-ant-api03-polydev-demo',
  openai_codex: 'sk-proj-polydev-demo',
  google_gemini: 'AIzaPolydevDemo',
};
