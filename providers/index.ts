/** All providers. */

import type { ProviderId } from '@polydev/protocol';
import { claudeCode } from './claude-code.ts';
import { googleGemini } from './google-gemini.ts';
import { openaiCodex } from './openai-codex.ts';
import type { Provider } from './provider.ts';

export * from './provider.ts';

export const providers: Readonly<Record<ProviderId, Provider>> = {
  claude_code: claudeCode,
  openai_codex: openaiCodex,
  google_gemini: googleGemini,
};

export function providerOf(id: ProviderId): Provider {
  return providers[id];
}
