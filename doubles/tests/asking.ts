/** Asks each model endpoint as its tool does, and reads the answer from the stream. */

import { fieldsOf, listOf, textOf } from '../fields.ts';
import type { Doubles } from '../index.ts';
import type { Ask, Page, Visitor } from './visitor.ts';

export interface Way {
  name: string;
  provider: 'claude_code' | 'openai_codex' | 'google_gemini';
  via: 'oauth' | 'api_key';
  /** Status of a refused credential. */
  refusedStatus: number;
  /** A word that only this provider's refusal contains. */
  refusedWord: string;
  address: string;
  header(credential: string): Record<string, string>;
  body(prompt: string): unknown;
  /** The text of one event. */
  delta(event: unknown): string;
}

const bearer = (credential: string) => ({ authorization: `Bearer ${credential}` });

const claude = {
  provider: 'claude_code',
  refusedStatus: 401,
  refusedWord: 'authentication_error',
  address: 'https://api.anthropic.com/v1/messages?beta=true',
  body: (prompt: string) => ({
    model: 'claude-test',
    stream: true,
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: '<system-reminder>not the prompt</system-reminder>' },
          { type: 'text', text: prompt },
        ],
      },
    ],
  }),
  delta: (event: unknown) => textOf(fieldsOf(fieldsOf(event).delta), 'text'),
} as const;

const codex = {
  provider: 'openai_codex',
  refusedStatus: 401,
  header: bearer,
  body: (prompt: string) => ({
    model: 'gpt-test',
    stream: true,
    input: [
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: '<environment_context/>' }] },
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: prompt }] },
    ],
  }),
  delta: (event: unknown) => textOf(fieldsOf(event), 'delta'),
} as const;

function geminiContents(prompt: string) {
  const context = { text: '<session_context>\nnot the prompt\n</session_context>' };
  return { contents: [{ role: 'user', parts: [context, { text: prompt }] }] };
}

function geminiText(response: unknown): string {
  const [candidate] = listOf(fieldsOf(response), 'candidates');
  return listOf(fieldsOf(candidate?.content), 'parts')
    .map((part) => textOf(part, 'text'))
    .join('');
}

export const ways: readonly Way[] = [
  { ...claude, name: 'Claude by account', via: 'oauth', header: bearer },
  { ...claude, name: 'Claude by API key', via: 'api_key', header: (key) => ({ 'x-api-key': key }) },
  {
    ...codex,
    name: 'Codex by account',
    via: 'oauth',
    refusedWord: 'token_expired',
    address: 'https://chatgpt.com/backend-api/codex/responses',
  },
  {
    ...codex,
    name: 'Codex by API key',
    via: 'api_key',
    refusedWord: 'invalid_api_key',
    address: 'https://api.openai.com/v1/responses',
  },
  {
    name: 'Gemini by account',
    provider: 'google_gemini',
    via: 'oauth',
    refusedStatus: 401,
    refusedWord: 'UNAUTHENTICATED',
    address: 'https://cloudcode-pa.googleapis.com/v1internal:streamGenerateContent?alt=sse',
    header: bearer,
    body: (prompt) => ({ model: 'gemini-test', request: geminiContents(prompt) }),
    delta: (event) => geminiText(fieldsOf(event).response),
  },
  {
    name: 'Gemini by API key',
    provider: 'google_gemini',
    via: 'api_key',
    refusedStatus: 400,
    refusedWord: 'API_KEY_INVALID',
    address: 'https://generativelanguage.googleapis.com/v1beta/models/gemini-test:streamGenerateContent?alt=sse',
    header: (key) => ({ 'x-goog-api-key': key }),
    body: geminiContents,
    delta: geminiText,
  },
];

export function goodCredential({ state }: Doubles, { provider, via }: Way): string {
  if (via === 'oauth') return state.tokens.issue({ provider, clientId: 'test', scope: 'user:inference' }).accessToken;
  const [key] = state.apiKeys[provider];
  if (!key) throw new Error(`No API key for ${provider}.`);
  return key;
}

export function askModel(visitor: Visitor, way: Way, credential: string, prompt: string, ask: Ask = {}): Promise<Page> {
  const headers = { 'content-type': 'application/json', ...way.header(credential), ...ask.headers };
  const body = ask.body ?? JSON.stringify(way.body(prompt));
  return visitor.ask(way.address, { ...ask, method: 'POST', headers, body });
}

/** The pieces of text in a stream of events, in order, without empty ones. */
export function deltasOf(way: Way, stream: string): string[] {
  return stream
    .split('\n\n')
    .flatMap((block) => block.split('\n').filter((line) => line.startsWith('data: ')))
    .map((line) => way.delta(JSON.parse(line.slice('data: '.length))))
    .filter(Boolean);
}
