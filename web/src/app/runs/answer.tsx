/** What a run says: text as Markdown, tool calls folded to one line each, notices. */

import './answer.css';
import { ChevronRight, Wrench } from 'lucide-react';
import { lazy, Suspense, useDeferredValue } from 'react';
import { StatusDot } from '../../ui/status.tsx';
import type { Part, ToolCall } from './run-view.ts';

const Markdown = lazy(() => import('./markdown.tsx'));

export function Answer({ parts, busy }: { parts: readonly Part[]; busy: boolean }) {
  return (
    <div data-testid="answer" aria-busy={busy} className="space-y-3">
      {parts.map((part, index) => (
        // Parts are only ever added at the end.
        // biome-ignore lint/suspicious/noArrayIndexKey: a part keeps its place
        <AnswerPart key={index} part={part} />
      ))}
    </div>
  );
}

function AnswerPart({ part }: { part: Part }) {
  switch (part.kind) {
    case 'text':
      return <Text text={part.text} />;
    case 'tools':
      return <Tools calls={part.calls} />;
    case 'notice':
      return <p className="text-sm text-muted">{part.text}</p>;
  }
}

/** Characters; with more, the page would stand still while it is put together. */
const shownAtMost = 200_000;

function Text({ text }: { text: string }) {
  // While much comes at once, typing and scrolling go first.
  const shown = useDeferredValue(text.slice(0, shownAtMost));
  return (
    <>
      <div className="answer">
        <Suspense fallback={<p className="whitespace-pre-wrap">{shown}</p>}>
          <Markdown text={shown} />
        </Suspense>
      </div>
      {text.length > shownAtMost && (
        <p className="text-sm text-muted">
          This is the beginning of a long answer: {shownAtMost.toLocaleString()} of {text.length.toLocaleString()}{' '}
          characters. “Copy the answer” takes all of them.
        </p>
      )}
    </>
  );
}

function Tools({ calls }: { calls: readonly ToolCall[] }) {
  return (
    <ul className="divide-y divide-line overflow-hidden rounded-lg border border-line">
      {calls.map((call, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: calls are only ever added at the end
        <li key={index}>
          <details className="group">
            <summary className="flex min-h-10 list-none items-center gap-2.5 px-3 text-sm hover:bg-sunken">
              {call.result === null ? (
                <span className="grid size-3.5 shrink-0 place-items-center">
                  <StatusDot tone="accent" pulsing />
                  <span className="sr-only">Running</span>
                </span>
              ) : (
                <Wrench className="size-3.5 shrink-0 text-muted" aria-hidden />
              )}
              <span className="shrink-0 font-medium">{call.name}</span>
              <code className="min-w-0 flex-1 truncate text-xs text-muted">{call.summary || call.result}</code>
              <ChevronRight
                className="size-4 shrink-0 text-muted transition-transform group-open:rotate-90"
                aria-hidden
              />
            </summary>
            <div className="space-y-2 border-t border-line bg-sunken px-3 py-2.5 font-mono text-xs leading-5 break-words whitespace-pre-wrap">
              {call.summary && <p>{call.summary}</p>}
              {call.result && <p className="text-muted">{call.result}</p>}
              {call.result === null && <p className="text-muted">Running</p>}
            </div>
          </details>
        </li>
      ))}
    </ul>
  );
}
