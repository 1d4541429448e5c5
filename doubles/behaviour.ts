/** How each double behaves: a small table that tests change while the doubles run. */

import { type ProviderId, providerIds } from '@polydev/protocol';

export type ModelBehaviour = 'ok' | '401' | '429' | '500' | 'garbage' | 'slow' | 'down';
export type TokenBehaviour = 'ok' | 'denied' | 'rotated';

export interface Behaviour {
  /**
   * `garbage` answers 200 with what no tool understands; `slow` lets a second pass between two pieces;
   * `down` drops the connection without an answer.
   */
  model: ModelBehaviour;
  /** `denied` refuses codes and refresh tokens; `rotated` treats each refresh token as used before by another. */
  token: TokenBehaviour;
  /** Size of every answer; without it answers are short. */
  answerBytes?: number;
  /** Pause before each piece of an answer. */
  deltaMs: number;
  /**
   * Life of access tokens issued from now on; negative: born expired. Claude Code refreshes from five minutes before
   * the end, and loses the sign-in if that happens while it signs in: give it 60 000 to see a refresh at every run.
   */
  accessTtlMs: number;
}

export type BehaviourTable = Record<ProviderId, Behaviour>;
export type BehaviourOverrides = Partial<Record<ProviderId, Partial<Behaviour>>>;

const humanDeltaMs = 35;
const hourMs = 3_600_000;
const usualTtlMs: Record<ProviderId, number> = {
  claude_code: 8 * hourMs,
  openai_codex: 10 * 24 * hourMs,
  google_gemini: hourMs - 1000,
};

export function createBehaviour(overrides: BehaviourOverrides = {}): BehaviourTable {
  const row = (provider: ProviderId): Behaviour => ({
    model: 'ok',
    token: 'ok',
    deltaMs: humanDeltaMs,
    accessTtlMs: usualTtlMs[provider],
    ...overrides[provider],
  });
  return Object.fromEntries(providerIds.map((provider) => [provider, row(provider)])) as BehaviourTable;
}

/** A prompt may ask for a failure, `fail with 429`, or for patience, `answer slowly`. */
export function behaviourAskedFor(prompt: string): ModelBehaviour | undefined {
  if (/\banswer slowly\b/i.test(prompt)) return 'slow';
  return /\bfail with (401|429|500|garbage|down)\b/i.exec(prompt)?.[1]?.toLowerCase() as ModelBehaviour | undefined;
}
