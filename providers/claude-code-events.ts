/** The lines of `claude -p --output-format stream-json --include-partial-messages`. */

import { maxCostUsd, type RunFailureCode } from '@polydev/protocol';
import { codeOfStatus } from './shared/classify.ts';
import { at, countAt, filledAt, listAt, numberAt, textAt } from './shared/json.ts';
import type { Outlet } from './shared/run-parser.ts';

const codeOfError: Record<string, RunFailureCode> = {
  authentication_failed: 'provider_auth',
  oauth_org_not_allowed: 'provider_auth',
  account_on_hold: 'provider_auth',
  verification_required: 'provider_auth',
  cloud_credential_error: 'provider_auth',
  billing_error: 'provider_limit',
  rate_limit: 'provider_limit',
};

/** A reader for one run. */
export function readClaudeEvent(): (event: unknown, out: Outlet) => void {
  /** The message whose text has come in pieces: its whole, which follows, is not said again. */
  let streamedId: string | undefined;

  function streamed(event: unknown, out: Outlet): void {
    if (at(event, 'type') === 'message_start') streamedId = textAt(event, 'message', 'id');
    if (at(event, 'delta', 'type') === 'text_delta') out.text(textAt(event, 'delta', 'text') ?? '', streamedId ?? '');
  }

  function assistant(event: unknown, out: Outlet): void {
    const id = textAt(event, 'message', 'id') ?? 'whole';
    const error = textAt(event, 'error');
    for (const block of listAt(event, 'message', 'content')) {
      const text = textAt(block, 'text') ?? '';
      if (at(block, 'type') === 'tool_use')
        out.toolStarted(textAt(block, 'id') ?? '', textAt(block, 'name') ?? 'tool', at(block, 'input'));
      else if (at(block, 'type') !== 'text') continue;
      else if (error !== undefined || at(event, 'is_api_error_message') === true)
        out.complain(text, codeOfFailure(event));
      else if (id !== streamedId) out.text(text, id);
    }
  }

  return (event, out) => {
    // What a helper of the model says to the model is not part of the answer.
    if (textAt(event, 'parent_tool_use_id')) return;
    const type = at(event, 'type');
    if (type === 'system') system(event, out);
    else if (type === 'stream_event') streamed(at(event, 'event'), out);
    else if (type === 'assistant') assistant(event, out);
    else if (type === 'user') toolResults(event, out);
    else if (type === 'rate_limit_event') rateLimit(event, out);
    else if (type === 'result') result(event, out);
  };
}

function system(event: unknown, out: Outlet): void {
  if (at(event, 'subtype') === 'init')
    out.started({ model: textAt(event, 'model'), conversation: textAt(event, 'session_id') });
  if (at(event, 'subtype') !== 'api_retry') return;
  const error = textAt(event, 'error');
  const why = error === undefined || error === 'unknown' ? 'no answer' : error;
  out.complain(`The provider could not be asked: ${why}.`, codeOfFailure(event));
  out.notice(`Trying again after: ${why} (attempt ${countAt(event, 'attempt')}).`);
}

function toolResults(event: unknown, out: Outlet): void {
  for (const block of listAt(event, 'message', 'content'))
    if (at(block, 'type') === 'tool_result')
      out.toolFinished(textAt(block, 'tool_use_id') ?? '', undefined, at(block, 'content'));
}

function rateLimit(event: unknown, out: Outlet): void {
  if (at(event, 'rate_limit_info', 'status') === 'rejected')
    out.complain('The usage limit of this account is reached.', 'provider_limit');
}

function result(event: unknown, out: Outlet): void {
  const usage = at(event, 'usage');
  const inputs = ['input_tokens', 'cache_creation_input_tokens', 'cache_read_input_tokens'];
  const costUsd = numberAt(event, 'total_cost_usd');
  out.usage({
    inputTokens: inputs.reduce((sum, name) => sum + countAt(usage, name), 0),
    outputTokens: countAt(usage, 'output_tokens'),
    ...(costUsd !== undefined && costUsd >= 0 && costUsd <= maxCostUsd && { costUsd }),
  });
  const text = filledAt(event, 'result');
  const isError = at(event, 'is_error');
  if (isError === true || (isError === undefined && at(event, 'subtype') !== 'success'))
    out.failed(text ?? filledAt(event, 'errors', 0), codeOfFailure(event));
  else {
    // A command of the tool itself answers here only.
    if (text && !out.hasText()) out.text(text, 'result');
    out.finished();
  }
}

function codeOfFailure(event: unknown): RunFailureCode | undefined {
  const error = textAt(event, 'error') ?? '';
  const status = numberAt(event, 'api_error_status') ?? numberAt(event, 'error_status');
  return Object.hasOwn(codeOfError, error) ? codeOfError[error] : codeOfStatus(status);
}
