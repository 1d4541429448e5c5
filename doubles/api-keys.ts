/** The API keys that the doubles accept, in each provider's shape. */

import { randomBytes } from 'node:crypto';
import { type ProviderId, providerIds } from '@polydev/protocol';
import type { Memory } from './memory.ts';

export type ApiKeys = Record<ProviderId, Set<string>>;
export type ApiKeyOverrides = Partial<Record<ProviderId, readonly string[]>>;

function mintApiKey(provider: ProviderId): string {
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

type Kept = Partial<Record<ProviderId, string[]>>;

/** Without a list of one's own, one fresh key per provider; and those that sign-ins made in earlier starts. */
export function createApiKeys(overrides: ApiKeyOverrides, memory: Memory): ApiKeys {
  const kept = memory.recall<Kept>('api-keys') ?? {};
  const keysOf = (provider: ProviderId) => [
    ...(overrides[provider] ?? [mintApiKey(provider)]),
    ...(kept[provider] ?? []),
  ];
  return Object.fromEntries(providerIds.map((provider) => [provider, new Set(keysOf(provider))])) as ApiKeys;
}

/** Makes a key that is accepted from now on. */
export function createKeyMaker(apiKeys: ApiKeys, memory: Memory): (provider: ProviderId) => string {
  return (provider) => {
    const made = mintApiKey(provider);
    apiKeys[provider].add(made);
    const kept = memory.recall<Kept>('api-keys') ?? {};
    memory.keep('api-keys', { ...kept, [provider]: [...(kept[provider] ?? []), made] } satisfies Kept);
    return made;
  };
}
