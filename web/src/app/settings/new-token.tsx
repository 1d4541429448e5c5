/** Makes an API token: what it is for, what it may do, for how long. Shows it once. */

import type { CreatedApiToken } from '@polydev/protocol';
import { useMutation } from '@tanstack/react-query';
import { ChevronDown } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { announce } from '../../ui/announcer.tsx';
import { Button } from '../../ui/button.tsx';
import { CopyButton } from '../../ui/copy-button.tsx';
import { FailureNote } from '../../ui/failure-note.tsx';
import { type Choice, Menu, MenuChoices } from '../../ui/menu.tsx';
import { polydev } from '../data/client.ts';
import { failureOf } from '../data/errors.ts';
import { keys, refresh } from '../data/queries.ts';
import { expiryOf, powers, spans } from './token-options.ts';

export function NewToken({ onCreated }: { onCreated(created: CreatedApiToken): void }) {
  const [name, setName] = useState('');
  const [power, setPower] = useState('connect');
  const [span, setSpan] = useState('90');
  const create = useMutation({
    mutationFn: polydev.tokens.create,
    onSuccess(created) {
      setName('');
      onCreated(created);
      announce('The token is made. It is shown once.');
      return refresh(keys.tokens);
    },
  });

  function submit(event: FormEvent): void {
    event.preventDefault();
    create.mutate({
      name: name.trim(),
      scopes: powers.find(({ value }) => value === power)?.scopes ?? ['run'],
      expiresAtMs: expiryOf(span, polydev.serverNowMs()),
    });
  }

  return (
    <form onSubmit={submit} className="space-y-3">
      <div className="rounded-lg border border-line-strong bg-surface">
        <label className="block">
          <span className="sr-only">Name of the new token</span>
          <input
            value={name}
            onChange={(event) => setName(event.target.value)}
            placeholder="What it is for, for example laptop"
            required
            maxLength={64}
            pattern=".*\S.*"
            className="h-12 w-full rounded-lg bg-transparent px-4 text-base outline-offset-[-2px] placeholder:text-muted"
          />
        </label>
        <div className="flex flex-wrap items-center gap-1 p-1.5">
          <Option label="It may" value={power} choices={[...powers]} onChange={setPower} />
          <Option label="It lasts" value={span} choices={[...spans]} onChange={setSpan} />
          <Button type="submit" className="ml-auto max-sm:w-full" busy={create.isPending}>
            Create token
          </Button>
        </div>
      </div>
      {create.isError && <FailureNote {...failureOf(create.error)} />}
    </form>
  );
}

interface OptionProps {
  label: string;
  value: string;
  choices: Choice[];
  onChange(value: string): void;
}

function Option({ label, value, choices, onChange }: OptionProps) {
  const chosen = choices.find((choice) => choice.value === value)?.name ?? '';
  return (
    <Menu
      align="start"
      label={label}
      trigger={
        <Button look="plain" className="gap-1 px-2.5" aria-label={`${label}: ${chosen}`}>
          {chosen}
          <ChevronDown className="size-3.5" aria-hidden />
        </Button>
      }
    >
      <MenuChoices value={value} choices={choices} onChange={onChange} />
    </Menu>
  );
}

export function CreatedToken({ created, onDone }: { created: CreatedApiToken; onDone(): void }) {
  const command = `./polydev login --url ${window.location.origin} --token-stdin`;
  return (
    <div className="rounded-lg border border-accent bg-surface p-4 animate-appear" role="status">
      <p className="font-medium">Copy “{created.token.name}” now. It is not shown again.</p>
      <Copyable text={created.secret} label="Copy the token" />
      <p className="mt-3 text-sm text-muted">On the machine that uses it, paste it into:</p>
      <Copyable text={command} label="Copy the command" />
      <div className="mt-4 flex justify-end">
        <Button onClick={onDone}>I have it</Button>
      </div>
    </div>
  );
}

function Copyable({ text, label }: { text: string; label: string }) {
  return (
    <div className="mt-2 flex items-center rounded-md bg-sunken pl-3">
      <code className="min-w-0 flex-1 py-2 text-sm break-all" translate="no">
        {text}
      </code>
      <CopyButton text={text} label={label} />
    </div>
  );
}
