/** An answer's Markdown. Loaded when there is an answer to show. */

import { memo } from 'react';
import ReactMarkdown, { type Components } from 'react-markdown';
import remarkGfm from 'remark-gfm';
import { CodeBlock } from './code-block.tsx';

const plugins = [remarkGfm];

const components: Components = {
  // Code blocks bring their own frame.
  pre: ({ children }) => children,
  code({ className, children }) {
    const text = String(children);
    const language = /language-([\w+#-]+)/.exec(className ?? '')?.[1];
    if (language === undefined && !text.includes('\n')) return <code>{children}</code>;
    return <CodeBlock text={text.replace(/\n$/, '')} language={language ?? null} />;
  },
  a: ({ href, children }) => (
    <a href={href} target="_blank" rel="noopener noreferrer">
      {children}
    </a>
  ),
  // A picture from elsewhere would tell its server who reads the answer.
  img: ({ src, alt }) => (
    <a href={typeof src === 'string' ? src : undefined} target="_blank" rel="noopener noreferrer">
      {alt || 'Picture'}
    </a>
  ),
  table: ({ children }) => (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
    <div tabIndex={0} className="answer-table thin-scroll">
      <table>{children}</table>
    </div>
  ),
};

const Markdown = memo(function Markdown({ text }: { text: string }) {
  return (
    <ReactMarkdown remarkPlugins={plugins} components={components}>
      {text}
    </ReactMarkdown>
  );
});

export default Markdown;
