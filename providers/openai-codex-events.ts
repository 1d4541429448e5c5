/** The lines of `codex exec --json`. Text comes in whole messages: this tool does not stream it. */

import { at, countAt, isRecord, textAt } from './shared/json.ts';
import type { Outlet } from './shared/run-parser.ts';

/** Items that are work of a tool, and where each says what it is about. */
const toolItems: Record<string, string> = {
  command_execution: 'command',
  file_change: 'changes',
  mcp_tool_call: 'tool',
  web_search: 'query',
};

export function readCodexEvent(event: unknown, out: Outlet): void {
  const type = at(event, 'type');
  if (type === 'thread.started') out.started({ conversation: textAt(event, 'thread_id') });
  else if (type === 'item.started') item(at(event, 'item'), false, out);
  else if (type === 'item.completed') item(at(event, 'item'), true, out);
  else if (type === 'error') error(textAt(event, 'message') ?? '', out);
  else if (type === 'turn.failed') out.failed(textAt(event, 'error', 'message'));
  else if (type === 'turn.completed') {
    usage(at(event, 'usage'), out);
    out.finished();
  }
}

function item(item: unknown, completed: boolean, out: Outlet): void {
  const type = textAt(item, 'type') ?? '';
  const id = textAt(item, 'id') ?? '';
  const about = Object.hasOwn(toolItems, type) ? toolItems[type] : undefined;
  if (about !== undefined) {
    if (completed) out.toolFinished(id, type, at(item, 'status') ?? at(item, about));
    else out.toolStarted(id, type, at(item, about));
  } else if (completed && type === 'agent_message') out.text(textAt(item, 'text') ?? '', id);
  else if (completed && type === 'error') out.notice(textAt(item, 'message') ?? 'The tool reports a problem.');
}

/** Comes for every lost connection, and once more before the turn fails. */
function error(message: string, out: Outlet): void {
  if (message === '') return;
  out.complain(message);
  if (message.startsWith('Reconnecting')) out.notice(message);
}

function usage(usage: unknown, out: Outlet): void {
  if (!isRecord(usage)) return;
  out.usage({ inputTokens: countAt(usage, 'input_tokens'), outputTokens: countAt(usage, 'output_tokens') });
}
