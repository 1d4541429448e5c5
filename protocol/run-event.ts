/** What a tool says while it runs, in one shape for all tools. */

import { type Static, Type } from 'typebox';

export const ProviderId = Type.Union([
  Type.Literal('claude_code'),
  Type.Literal('openai_codex'),
  Type.Literal('google_gemini'),
]);
export type ProviderId = Static<typeof ProviderId>;

export const providerIds = ['claude_code', 'openai_codex', 'google_gemini'] as const satisfies readonly ProviderId[];

/** A run that is said to cost more is not believed: sums of such would not fit a number. In US dollars. */
export const maxCostUsd = 1_000_000;

export const Usage = Type.Object({
  inputTokens: Type.Integer({ minimum: 0 }),
  outputTokens: Type.Integer({ minimum: 0 }),
  /** As the tool reports it, in US dollars. */
  costUsd: Type.Optional(Type.Number({ minimum: 0, maximum: maxCostUsd })),
});
export type Usage = Static<typeof Usage>;

export const RunFailureCode = Type.Union([
  Type.Literal('provider_auth'),
  Type.Literal('provider_limit'),
  Type.Literal('provider_failed'),
  Type.Literal('provider_unreachable'),
]);
export type RunFailureCode = Static<typeof RunFailureCode>;

export const RunEvent = Type.Union([
  /** The tool is up; `conversation` is the tool's own id for resuming. */
  Type.Object({
    type: Type.Literal('started'),
    model: Type.Optional(Type.String()),
    conversation: Type.Optional(Type.String()),
  }),
  /** A piece of the answer. Pieces in order make the answer. */
  Type.Object({ type: Type.Literal('text'), text: Type.String() }),
  Type.Object({
    type: Type.Literal('tool'),
    name: Type.String(),
    phase: Type.Union([Type.Literal('started'), Type.Literal('finished')]),
    /** One line, cut to 200 characters. */
    summary: Type.String(),
  }),
  Type.Object({ type: Type.Literal('notice'), text: Type.String() }),
  Type.Object({ type: Type.Literal('usage'), usage: Usage }),
  /** The tool says that it failed, and why. */
  Type.Object({ type: Type.Literal('failure'), code: RunFailureCode, message: Type.String() }),
  /** The tool says that it is done and well. */
  Type.Object({ type: Type.Literal('finished') }),
]);
export type RunEvent = Static<typeof RunEvent>;
