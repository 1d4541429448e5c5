/** The API keys that the doubles accept, in each provider's shape. */

import { randomBytes } from 'node:crypto';
import { type ProviderId, providerIds } from '@polydev/protocol';

export type ApiKeys = Record<ProviderId, Set<string>>;
export type ApiKeyOverrides = Partial<Record<ProviderId, readonly string[]>>;

export function mintApiKey(provider: ProviderId): string {
  const random = (bytes: number) => randomBytes(bytes).toString('base64url');
  switch (provider) {
    case 'claude_code':
      return `sk-ant-api03-${random(69)}-${random(6)}AA`;
    case 'openai_codex':
      return `sk-proj-${random(60)}`;
    case 'google_gemini':
      // 39 characters, like every key of this kind.
      return `AIza${random(27).slice(0, 35)}`;
  }
}

/** Without a list of one's own, one fresh key per provider. */
export function createApiKeys(overrides: ApiKeyOverrides = {}): ApiKeys {
  return Object.fromEntries(
    providerIds.map((provider) => [provider, new Set(overrides[provider] ?? [mintApiKey(provider)])]),
  ) as ApiKeys;
}
