/** The lines of `gemini -o stream-json`. */

import { at, countAt, filledAt, isRecord, parseJson, textAt } from './shared/json.ts';
import type { Outlet } from './shared/run-parser.ts';

/** A reader for one run. */
export function readGeminiEvent(): (event: unknown, out: Outlet) => void {
  /** Why it broke off the answer itself. Its result then says `success`. */
  let brokenOff: string | undefined;
  return (event, out) => {
    const message = textAt(event, 'message') ?? '';
    if (at(event, 'type') === 'error' && /stopping execution|maximum session turns/i.test(message)) brokenOff = message;
    read(event, brokenOff, out);
  };
}

function read(event: unknown, brokenOff: string | undefined, out: Outlet): void {
  const type = at(event, 'type');
  const toolId = textAt(event, 'tool_id') ?? '';
  if (type === 'init') out.started({ model: textAt(event, 'model'), conversation: textAt(event, 'session_id') });
  else if (type === 'message' && at(event, 'role') === 'assistant') out.text(textAt(event, 'content') ?? '', 'answer');
  else if (type === 'tool_use') out.toolStarted(toolId, textAt(event, 'tool_name') ?? 'tool', at(event, 'parameters'));
  else if (type === 'tool_result') out.toolFinished(toolId, undefined, outcomeOf(event));
  else if (type === 'error') problem(textAt(event, 'message') ?? '', at(event, 'severity') === 'error', out);
  else if (type === 'result') result(event, brokenOff, out);
}

function outcomeOf(event: unknown): string | undefined {
  return textAt(event, 'error', 'message') ?? textAt(event, 'output') ?? textAt(event, 'status');
}

function problem(message: string, isError: boolean, out: Outlet): void {
  if (message === '') return;
  if (isError) out.complain(message);
  else out.notice(message);
}

function result(event: unknown, brokenOff: string | undefined, out: Outlet): void {
  const stats = at(event, 'stats');
  if (isRecord(stats))
    out.usage({ inputTokens: countAt(stats, 'input_tokens'), outputTokens: countAt(stats, 'output_tokens') });
  const message = filledAt(event, 'error', 'message');
  if (message !== undefined) out.complain(message);
  if (brokenOff !== undefined) out.failed(`The tool broke off: ${brokenOff}`, 'provider_failed');
  else if (at(event, 'status') === 'success') out.finished();
  else out.failed(message && sentenceIn(message));
}

/** The innermost sentence of `[API Error: {"error":{"message":…}}]`, where the message may be such JSON again. */
function sentenceIn(message: string): string {
  const json = message.slice(message.indexOf('{'), message.lastIndexOf('}') + 1);
  const inner = filledAt(parseJson(json), 'error', 'message');
  if (inner !== undefined) return sentenceIn(inner);
  const sentence = message.replace(/^\[API Error: ([^\]]*)\]/, '$1');
  // Node's word for an answer that ends before its end.
  return sentence === 'terminated' ? 'The connection broke off in the middle of the answer.' : sentence;
}
