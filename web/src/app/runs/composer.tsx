/** Where a prompt is written: it grows with the text, and asks quietly which tool and which model. */

import { ArrowUp, ChevronDown } from 'lucide-react';
import { type KeyboardEvent, type RefObject, useLayoutEffect } from 'react';
import { Button } from '../../ui/button.tsx';
import { FailureNote } from '../../ui/failure-note.tsx';
import { Menu, MenuChoices, MenuLabel } from '../../ui/menu.tsx';
import { controlKey } from '../../ui/platform.ts';
import { failureOf } from '../data/errors.ts';
import { ModelMenu } from './model-menu.tsx';
import type { Target } from './targets.ts';

export interface ComposerProps {
  field: RefObject<HTMLTextAreaElement | null>;
  text: string;
  onText(text: string): void;
  targets: readonly Target[];
  target: Target;
  onTarget(target: Target): void;
  model: string;
  knownModels: readonly string[];
  onModel(model: string): void;
  busy: boolean;
  error: unknown;
  onRun(): void;
}

const keyOf = ({ credentialId, provider }: Target) => credentialId ?? provider.id;

export function Composer(props: ComposerProps) {
  const { field, text, onText, targets, target, onTarget, model, knownModels, onModel } = props;
  const { busy, error, onRun } = props;
  const ready = text.trim() !== '';

  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the text
  useLayoutEffect(() => {
    const element = field.current;
    if (!element) return;
    element.style.height = 'auto';
    element.style.height = `${element.scrollHeight}px`;
  }, [field, text]);

  function onKeyDown(event: KeyboardEvent): void {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    if (ready && !busy) onRun();
  }

  return (
    <form
      aria-label="New prompt"
      className="mx-auto w-full max-w-[46rem] px-3 pt-2 pb-3 sm:px-6 sm:pb-5"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) onRun();
      }}
    >
      {error !== null && <FailureNote {...failureOf(error)} className="mb-3" />}
      <div className="rounded-lg border border-line-strong bg-surface focus-within:border-accent">
        <textarea
          ref={field}
          value={text}
          onChange={(event) => onText(event.target.value)}
          onKeyDown={onKeyDown}
          aria-label="Prompt"
          aria-keyshortcuts="Control+Enter"
          placeholder={`Ask ${target.provider.name}`}
          rows={1}
          className="block max-h-[38dvh] min-h-12 w-full resize-none bg-transparent px-4 pt-3 pb-1 text-base outline-none placeholder:text-muted thin-scroll"
        />
        <div className="flex items-center gap-0.5 p-1.5">
          <Menu
            align="start"
            side="top"
            label="Tool"
            trigger={
              <Button
                look="plain"
                className="max-w-48 shrink-0 gap-1 px-2.5 sm:max-w-72"
                aria-label={`Tool: ${target.name}`}
              >
                <span className="truncate">{target.name}</span>
                <ChevronDown className="size-3.5 shrink-0" aria-hidden />
              </Button>
            }
          >
            <MenuLabel>Run with</MenuLabel>
            <MenuChoices
              value={keyOf(target)}
              onChange={(value) => {
                const chosen = targets.find((candidate) => keyOf(candidate) === value);
                if (chosen) onTarget(chosen);
              }}
              choices={targets.map((candidate) => ({
                value: keyOf(candidate),
                name: candidate.name,
                disabled: candidate.credentialId === null,
                remark: candidate.remark ?? undefined,
              }))}
            />
          </Menu>
          <ModelMenu model={model} known={knownModels} onModel={onModel} />
          <span className="mr-2 ml-auto hidden text-xs text-muted sm:block pointer-coarse:hidden">
            {controlKey} Enter
          </span>
          <Button type="submit" look="primary" className="ml-auto sm:ml-0" disabled={!ready} busy={busy}>
            {!busy && <ArrowUp className="size-4" aria-hidden />}
            Run
          </Button>
        </div>
      </div>
    </form>
  );
}
