/** Title of the page, whether Polydev answers, and who is signed in. */

import type { User } from '@polydev/protocol';
import { useMutation } from '@tanstack/react-query';
import { ArrowLeft, Keyboard, LogOut, Search, Settings } from 'lucide-react';
import { useNavigate } from 'react-router';
import { IconLink } from '../../ui/button.tsx';
import { classes } from '../../ui/classes.ts';
import { KeyNames } from '../../ui/key-names.tsx';
import { Mark } from '../../ui/mark.tsx';
import { Menu, MenuItem, MenuLabel, MenuLine } from '../../ui/menu.tsx';
import { controlKey } from '../../ui/platform.ts';
import { Status } from '../../ui/status.tsx';
import { polydev } from '../data/client.ts';
import { queryClient } from '../data/query-client.ts';
import { useReachable } from '../data/reach.ts';
import { paths } from '../paths.ts';
import { overlays } from './overlays.ts';
import { useCurrentTitle } from './title.ts';

export function TopBar({ me, back }: { me: User; back: boolean }) {
  const title = useCurrentTitle();
  const reachable = useReachable();
  return (
    <header className="flex h-14 shrink-0 items-center gap-3 border-b border-line px-4 sm:px-6">
      {back ? (
        <IconLink to={paths.connections} label="Back to Connections" className="-ml-2">
          <ArrowLeft className="size-4.5" aria-hidden />
        </IconLink>
      ) : (
        <Mark className="size-6 md:hidden" />
      )}
      <h1 className="min-w-0 flex-1 truncate text-base font-semibold">{title}</h1>
      <div role="status" className={classes('shrink-0', reachable && 'sr-only sm:not-sr-only')}>
        <Status tone={reachable ? 'good' : 'bad'} pulsing={!reachable}>
          {reachable ? (
            <span className="text-muted">Online</span>
          ) : (
            <>
              No connection<span className="max-sm:sr-only">, trying again</span>
            </>
          )}
        </Status>
      </div>
      <button
        type="button"
        aria-keyshortcuts="Control+K Meta+K"
        title="Connect, run, go to"
        onClick={() => overlays.show('palette')}
        className="inline-flex h-10 min-w-10 shrink-0 items-center justify-center gap-2 rounded-md px-2.5 text-muted transition-colors hover:bg-sunken hover:text-text"
      >
        <Search className="size-4.5 sm:size-4" aria-hidden />
        <span className="sr-only">Commands</span>
        <span aria-hidden className="hidden sm:block">
          <KeyNames keys={[controlKey, 'K']} />
        </span>
      </button>
      <UserMenu me={me} />
    </header>
  );
}

export function useLogOut() {
  return useMutation({
    mutationFn: polydev.logout,
    onSettled: () => {
      queryClient.clear();
      // A full load: nothing of the former person stays in memory.
      window.location.assign('/login');
    },
  });
}

function UserMenu({ me }: { me: User }) {
  const navigate = useNavigate();
  const logOut = useLogOut();
  return (
    <Menu
      label="Account"
      trigger={
        <button
          type="button"
          aria-label={`Account of ${me.name}`}
          className="grid size-10 shrink-0 place-items-center rounded-full"
        >
          <span className="grid size-8 place-items-center rounded-full bg-accent-soft text-sm font-semibold text-accent">
            {[...me.name.trim()][0]?.toUpperCase()}
          </span>
        </button>
      }
    >
      <MenuLabel>
        {me.name} · {me.role === 'owner' ? 'Owner' : 'Member'}
      </MenuLabel>
      <MenuItem icon={<Settings />} onSelect={() => void navigate(paths.settings)}>
        Settings
      </MenuItem>
      <MenuItem icon={<Keyboard />} onSelect={() => overlays.show('shortcuts')}>
        Keyboard shortcuts
      </MenuItem>
      <MenuLine />
      <MenuItem icon={<LogOut />} onSelect={() => logOut.mutate()}>
        Sign out
      </MenuItem>
    </Menu>
  );
}
