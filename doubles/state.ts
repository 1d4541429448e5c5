/** What the doubles know and how they behave; tests read and change it while they run. */

import type { ProviderId } from '@polydev/protocol';
import type { Accounts } from './accounts.ts';
import type { ApiKeys } from './api-keys.ts';
import type { BehaviourTable } from './behaviour.ts';
import type { Tokens } from './tokens.ts';

export interface ReceivedPrompt {
  provider: ProviderId;
  prompt: string;
  model: string;
  via: 'oauth' | 'api_key';
  /** Whose token it came with. */
  email?: string | undefined;
  atMs: number;
}

export interface DoublesState {
  behaviour: BehaviourTable;
  accounts: Accounts;
  /** Accepted API keys: add and delete at will. */
  apiKeys: ApiKeys;
  /** As a sign-in does that ends in a key. */
  makeApiKey(provider: ProviderId): string;
  tokens: Tokens;
  /** Oldest first. */
  prompts: ReceivedPrompt[];
  /** Everything secret that was ever given out or is accepted: what a search for strays looks for. */
  secrets(): string[];
}
