/** Which sign-ins are listed: of which tool, and how they ended. It stands in the address, so that it can be kept. */

import type { ListSessions, ProviderInfo } from '@polydev/protocol';
import { ChevronDown } from 'lucide-react';
import { useSearchParams } from 'react-router';
import { Button } from '../../ui/button.tsx';
import { Menu, MenuChoices } from '../../ui/menu.tsx';

export type SessionFilter = Pick<ListSessions, 'provider' | 'state'>;

const anything = 'any';
const states = {
  active: 'Under way',
  connected: 'Connected',
  failed: 'Failed',
  expired: 'Ran out of time',
  cancelled: 'Cancelled',
} as const;

export function useSessionFilter(providers: readonly ProviderInfo[]) {
  const [query, setQuery] = useSearchParams();
  const state = Object.keys(states).find((name) => name === query.get('state')) as keyof typeof states | undefined;
  const provider = providers.find(({ id }) => id === query.get('provider'))?.id;
  const filter: SessionFilter = { ...(provider ? { provider } : {}), ...(state ? { state } : {}) };
  const set = (name: 'provider' | 'state', value: string) =>
    setQuery(
      (before) => {
        if (value === anything) before.delete(name);
        else before.set(name, value);
        return before;
      },
      { replace: true },
    );
  return { filter, set, clear: () => setQuery({}, { replace: true }) };
}

export interface FilterBarProps {
  filter: SessionFilter;
  providers: readonly ProviderInfo[];
  onChange(name: 'provider' | 'state', value: string): void;
}

export function FilterBar({ filter, providers, onChange }: FilterBarProps) {
  return (
    <fieldset className="flex flex-wrap gap-2" aria-label="Filter">
      <Filter
        name="Tool"
        value={filter.provider ?? anything}
        choices={[{ value: anything, name: 'All tools' }, ...providers.map(({ id, name }) => ({ value: id, name }))]}
        onChange={(value) => onChange('provider', value)}
      />
      <Filter
        name="Outcome"
        value={filter.state ?? anything}
        choices={[
          { value: anything, name: 'Any outcome' },
          ...Object.entries(states).map(([value, name]) => ({ value, name })),
        ]}
        onChange={(value) => onChange('state', value)}
      />
    </fieldset>
  );
}

interface FilterProps {
  name: string;
  value: string;
  choices: { value: string; name: string }[];
  onChange(value: string): void;
}

function Filter({ name, value, choices, onChange }: FilterProps) {
  const chosen = choices.find((choice) => choice.value === value)?.name ?? '';
  return (
    <Menu
      align="start"
      label={name}
      trigger={
        <Button className="gap-1.5" aria-label={`${name}: ${chosen}`}>
          {chosen}
          <ChevronDown className="size-3.5 text-muted" aria-hidden />
        </Button>
      }
    >
      <MenuChoices value={value} choices={choices} onChange={onChange} />
    </Menu>
  );
}
