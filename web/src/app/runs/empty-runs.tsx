/** Nothing asked yet: three prompts to begin with. */

import { ButtonLink } from '../../ui/button.tsx';
import { useDemo } from '../data/queries.ts';
import { paths } from '../paths.ts';

const examples = [
  'Explain what a reverse proxy does, with a small drawing in text.',
  'Write a shell script that lists the ten largest files below a folder.',
  'Review this idea: a nightly job that rebases all open branches. What can go wrong?',
];

/** The stand-ins of a demo fail when they are asked to. */
const failingExample = 'Please fail with 429, as if my plan were used up.';

export interface EmptyRunsProps {
  /** The tool that a prompt would go to; undefined when none is connected. */
  toolName: string | undefined;
  onExample(prompt: string): void;
}

export function EmptyRuns({ toolName, onExample }: EmptyRunsProps) {
  const shown = useDemo() ? [...examples, failingExample] : examples;
  return (
    <div className="mx-auto flex h-full w-full max-w-[46rem] flex-col justify-center px-4 py-8 sm:px-6">
      <h2 className="text-xl font-semibold">{toolName ? `What should ${toolName} do?` : 'Connect a tool first'}</h2>
      <p className="mt-1.5 text-muted">
        {toolName
          ? 'Every prompt runs the official tool, as you, in a sandbox of its own.'
          : 'A prompt needs a tool that is signed in. It takes a minute.'}
      </p>
      {toolName ? (
        <ul className="mt-6 space-y-2">
          {shown.map((prompt) => (
            <li key={prompt}>
              <button
                type="button"
                onClick={() => onExample(prompt)}
                className="min-h-11 w-full rounded-lg border border-line bg-surface px-4 py-2.5 text-left text-sm transition-colors hover:bg-sunken"
              >
                {prompt}
              </button>
            </li>
          ))}
        </ul>
      ) : (
        <ButtonLink to={paths.connections} look="primary" className="mt-6 self-start">
          Go to Connections
        </ButtonLink>
      )}
    </div>
  );
}
