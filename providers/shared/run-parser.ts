/**
 * The part of a run parser that all tools share: an end that comes once, breaks between messages, names of tools
 * between call and result, the last complaint for when the tool dies without a word. Memory does not grow with
 * the output.
 */

import type { RunEvent, RunFailureCode, Usage } from '@polydev/protocol';
import type { RunParser } from '../provider.ts';
import { classify, mayHoldSecret, oneLine, withoutSecrets } from './classify.ts';
import { parseJson } from './json.ts';

const messageLength = 500;
const summaryLength = 200;
const maxOpenTools = 64;
const tooLong = 'The tool said more at once than Polydev takes.';
/** What programs write for their makers, with a time in front. */
const logLine = /^\S*\d{4}-\d\d-\d\dT[\d:.]+Z?\S*\s/;

/** Where a tool's own reader puts what it understood. */
export interface Outlet {
  started(facts: { model?: string; conversation?: string }): void;
  /** A piece of the answer. Pieces of different messages are set apart by an empty line. */
  text(piece: string, messageId: string): void;
  /** True as soon as there is an answer. */
  hasText(): boolean;
  toolStarted(id: string, name: string, input: unknown): void;
  toolFinished(id: string, name: string | undefined, output: unknown): void;
  notice(text: string): void;
  /** Remembered as the reason, in case nothing better comes. */
  complain(text: string, code?: RunFailureCode): void;
  usage(usage: Usage): void;
  finished(): void;
  /** Without a message or a code the last complaint gives them. */
  failed(message?: string, code?: RunFailureCode): void;
}

export interface Dialect {
  event(value: unknown, out: Outlet): void;
  /** The answer comes in pieces, so that a line too long to be taken only says it again. */
  streams: boolean;
  /** Exit statuses that mean that the credential was refused. */
  authExitCodes?: readonly number[];
}

export function createRunParser(dialect: Dialect): RunParser {
  let events: RunEvent[] = [];
  let ended = false;
  let lost = false;
  let lastMessageId: string | undefined;
  let complaint: { text: string; code: RunFailureCode } | undefined;
  const openTools = new Map<string, string>();

  const out: Outlet = {
    started: (facts) => void events.push({ type: 'started', ...facts }),
    text(piece, messageId) {
      if (piece === '') return;
      const apart = lastMessageId !== undefined && lastMessageId !== messageId;
      lastMessageId = messageId;
      // What there was to complain about is over: the provider answers.
      complaint = undefined;
      events.push({ type: 'text', text: apart ? `\n\n${piece}` : piece });
    },
    hasText: () => lastMessageId !== undefined,
    toolStarted(id, name, input) {
      if (openTools.size < maxOpenTools) openTools.set(id, name);
      events.push({ type: 'tool', name, phase: 'started', summary: summaryOf(input) });
    },
    toolFinished(id, name, output) {
      const known = name ?? openTools.get(id) ?? 'tool';
      openTools.delete(id);
      events.push({ type: 'tool', name: known, phase: 'finished', summary: summaryOf(output) });
    },
    notice: (text) => void events.push({ type: 'notice', text: messageOf(text) }),
    complain(text, code) {
      complaint = { text: messageOf(text), code: code ?? classify(text) };
    },
    usage: (usage) => void events.push({ type: 'usage', usage }),
    finished() {
      if (lost && !dialect.streams) return out.failed(tooLong, 'provider_failed');
      ended = true;
      events.push({ type: 'finished' });
    },
    failed(message, code) {
      const said = message ? classify(message) : 'provider_failed';
      const meant = code ?? (said === 'provider_failed' ? (complaint?.code ?? said) : said);
      const text = message ? messageOf(message) : (complaint?.text ?? 'The tool failed and did not say why.');
      ended = true;
      events.push({ type: 'failure', code: meant, message: text });
    },
  };

  function taken(): RunEvent[] {
    const taken = events;
    events = [];
    return taken;
  }

  return {
    line(text) {
      const raw = parseJson(text);
      if (raw === undefined) {
        if (text.trim() !== '' && !ended) out.notice(text);
        return { events: taken() };
      }
      if (!ended) dialect.event(raw, out);
      const events = taken();
      // The answer is the answer; all else may quote a key, as errors do.
      if (events.some(({ type }) => type === 'text') || !mayHoldSecret(text)) return { events, raw };
      return { events, raw: parseJson(text, withoutSecrets) };
    },
    dropped() {
      lost = true;
      if (!ended) out.notice(tooLong);
      return taken();
    },
    end(exitCode, stderrTail) {
      if (ended) return [];
      if (lost && exitCode === 0 && out.hasText()) {
        out.finished();
        return taken();
      }
      const refused = exitCode !== null && dialect.authExitCodes?.includes(exitCode);
      const status = exitCode === null ? '' : ` (exit status ${exitCode})`;
      const message = complaint?.text ?? lastWords(stderrTail) ?? `The tool ended without a result${status}.`;
      out.failed(message, refused ? 'provider_auth' : (complaint?.code ?? classify(stderrTail)));
      return taken();
    },
  };
}

function messageOf(text: string): string {
  return oneLine(withoutSecrets(text), messageLength);
}

function summaryOf(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return oneLine(withoutSecrets(text), summaryLength);
}

/** The last lines that say something: no stack traces, no closing brackets, and a log only when there is nothing else. */
function lastWords(text: string): string | undefined {
  const lines = text.split('\n').filter((line) => /\w/.test(line) && !/^\s+at /.test(line));
  const said = lines.filter((line) => !logLine.test(line));
  return (said.length > 0 ? said : lines).slice(-3).join(' ') || undefined;
}
