/** A block of code: its language, a copy button, colours where the language is known. */

import type { ReactNode } from 'react';
import { memo, useMemo } from 'react';
import { CopyButton } from '../../ui/copy-button.tsx';
import { highlight } from './highlight.ts';

export const CodeBlock = memo(function CodeBlock({ text, language }: { text: string; language: string | null }) {
  const content: ReactNode = useMemo(() => highlight(text, language) ?? text, [text, language]);
  return (
    <figure className="my-4 overflow-hidden rounded-lg border border-line bg-surface">
      <figcaption className="flex h-10 items-center justify-between border-b border-line pl-3.5 text-xs text-muted">
        {language ?? 'text'}
        <CopyButton text={text} label="Copy the code" />
      </figcaption>
      <pre
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
        tabIndex={0}
        className="overflow-x-auto p-3.5 text-sm leading-6 outline-offset-[-2px] thin-scroll"
        translate="no"
      >
        <code>{content}</code>
      </pre>
    </figure>
  );
});
