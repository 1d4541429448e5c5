/** The commands: one field, and below it what fits the words in it. */

import {
  ArrowRight,
  Cable,
  CornerDownLeft,
  Keyboard,
  KeyRound,
  type LucideIcon,
  MessageSquareText,
  MonitorUp,
  SquarePen,
  SunMoon,
} from 'lucide-react';
import { type KeyboardEvent, useEffect, useId, useState } from 'react';
import { useNavigate } from 'react-router';
import { announce } from '../../ui/announcer.tsx';
import { classes } from '../../ui/classes.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { FailureNote } from '../../ui/failure-note.tsx';
import { setTheme } from '../../ui/theme.ts';
import { useStartSignIn } from '../connections/use-start-sign-in.ts';
import { WaitingForDesktop } from '../connections/waiting-for-desktop.tsx';
import { failureOf } from '../data/errors.ts';
import { isOver, useCredentials, useMe, useProviders, useRuns, useSessions } from '../data/queries.ts';
import { lastTargetKey } from '../runs/targets.ts';
import { useStartRun } from '../runs/use-start-run.ts';
import { type Command, type CommandIcon, commandsFor } from './commands.ts';
import { overlays } from './overlays.ts';

const icons: Record<CommandIcon, LucideIcon> = {
  page: ArrowRight,
  connect: Cable,
  key: KeyRound,
  desktop: MonitorUp,
  prompt: SquarePen,
  run: MessageSquareText,
  keyboard: Keyboard,
  theme: SunMoon,
};

export default function Palette() {
  const [words, setWords] = useState('');
  const [chosen, setChosen] = useState(0);
  const id = useId();
  const commands = useCommands(words);
  const { perform, error, busy, waiting } = usePerform();
  const current = commands[Math.min(chosen, commands.length - 1)];
  const some = commands.length > 0;

  useEffect(() => {
    if (current) document.getElementById(`${id}-${current.id}`)?.scrollIntoView({ block: 'nearest' });
  }, [current, id]);

  function onKeyDown(event: KeyboardEvent): void {
    const last = commands.length - 1;
    const at = Math.min(chosen, last);
    const next = { ArrowDown: at === last ? 0 : at + 1, ArrowUp: at <= 0 ? last : at - 1 }[event.key];
    if (next !== undefined) {
      event.preventDefault();
      setChosen(next);
    } else if (event.key === 'Enter' && current && !event.nativeEvent.isComposing) {
      event.preventDefault();
      if (!busy) perform(current);
    }
  }

  return (
    <Dialog open wide flush onOpenChange={(open) => !open && overlays.show(null)} title="Commands">
      <input
        role="combobox"
        aria-label="Command"
        aria-expanded={some}
        aria-autocomplete="list"
        aria-controls={some ? `${id}-list` : undefined}
        aria-activedescendant={current && `${id}-${current.id}`}
        autoComplete="off"
        spellCheck={false}
        placeholder="Connect, run, go to, or ask"
        value={words}
        onChange={(event) => {
          setWords(event.target.value);
          setChosen(0);
        }}
        onKeyDown={onKeyDown}
        autoFocus
        className="h-14 w-full rounded-t-lg border-b border-line bg-transparent px-5 text-base outline-none placeholder:text-muted"
      />
      {error !== null && <FailureNote {...failureOf(error)} className="m-2" />}
      <div className="mx-5">
        <WaitingForDesktop waiting={waiting} />
      </div>
      <div
        {...(some && { role: 'listbox', id: `${id}-list`, 'aria-label': 'Commands' })}
        className="max-h-[min(26.5rem,55dvh)] overflow-y-auto p-2 thin-scroll"
      >
        {grouped(commands).map(({ group, members }) => (
          <fieldset key={group} aria-label={group} className="mb-1 min-w-0 last:mb-0">
            <p aria-hidden className="px-3 pt-2 pb-1 text-xs text-muted">
              {group}
            </p>
            {members.map((command) => (
              <Option
                key={command.id}
                id={`${id}-${command.id}`}
                command={command}
                selected={command === current}
                onPoint={() => setChosen(commands.indexOf(command))}
                onSelect={() => !busy && perform(command)}
              />
            ))}
          </fieldset>
        ))}
        {!some && (
          <p role="status" className="px-3 py-6 text-center text-sm text-muted">
            No matching command.
          </p>
        )}
      </div>
    </Dialog>
  );
}

interface OptionProps {
  id: string;
  command: Command;
  selected: boolean;
  onPoint(): void;
  onSelect(): void;
}

function Option({ id, command, selected, onPoint, onSelect }: OptionProps) {
  const Icon = icons[command.icon];
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the field has the keyboard
    <div
      role="option"
      id={id}
      tabIndex={-1}
      aria-selected={selected}
      onPointerMove={selected ? undefined : onPoint}
      onClick={onSelect}
      className={classes(
        'flex min-h-10 cursor-pointer items-center gap-3 rounded-md px-3 text-sm',
        selected && 'bg-sunken',
      )}
    >
      <Icon className="size-4 shrink-0 text-muted" aria-hidden />
      <span className="min-w-0 flex-1 truncate">{command.name}</span>
      {selected && <CornerDownLeft className="size-3.5 shrink-0 text-muted" aria-hidden />}
    </div>
  );
}

function grouped(commands: readonly Command[]) {
  const groups = new Map<string, Command[]>();
  for (const command of commands) groups.set(command.group, [...(groups.get(command.group) ?? []), command]);
  return [...groups].map(([group, members]) => ({ group, members }));
}

function useCommands(words: string): Command[] {
  const me = useMe().data;
  const providers = useProviders().data ?? [];
  const credentials = useCredentials().data ?? [];
  const active = (useSessions().data ?? []).filter((session) => !isOver(session) && session.userId === me?.id);
  const runs = useRuns().data?.pages.flat() ?? [];
  return commandsFor(words, { providers, credentials, active, runs, lastTarget: localStorage.getItem(lastTargetKey) });
}

function usePerform() {
  const navigate = useNavigate();
  const signIn = useStartSignIn();
  const start = useStartRun();

  function perform({ does, name }: Command): void {
    switch (does.kind) {
      case 'go':
        overlays.show(null);
        void navigate(does.to);
        break;
      case 'sign_in':
        signIn.mutate({ provider: does.provider, label: does.label });
        break;
      case 'run':
        start.mutate({ provider: does.provider, credentialId: does.credentialId, prompt: does.prompt });
        break;
      case 'theme':
        overlays.show(null);
        setTheme(does.theme);
        announce(name);
        break;
      case 'shortcuts':
        overlays.show('shortcuts');
    }
  }
  return {
    perform,
    error: signIn.error ?? start.error,
    busy: signIn.isPending || start.isPending,
    waiting: signIn.isPending,
  };
}
