/** The way between pages: a sidebar, narrow where a page needs the room, a bar at the bottom on a phone. */

import { Cable, History, type LucideIcon, MessageSquareText, Settings } from 'lucide-react';
import { NavLink } from 'react-router';
import { classes } from '../../ui/classes.ts';
import { Mark } from '../../ui/mark.tsx';
import { paths } from '../paths.ts';

const places: { to: string; name: string; Icon: LucideIcon }[] = [
  { to: paths.connections, name: 'Connections', Icon: Cable },
  { to: paths.runs, name: 'Runs', Icon: MessageSquareText },
  { to: paths.sessions, name: 'Sessions', Icon: History },
  { to: paths.settings, name: 'Settings', Icon: Settings },
];

export function Sidebar({ narrow }: { narrow: boolean }) {
  return (
    <nav
      aria-label="Pages"
      className={classes(
        'hidden shrink-0 flex-col border-r border-line md:flex',
        narrow ? 'w-16 items-center px-2' : 'w-56 px-3',
      )}
    >
      <NavLink
        to={paths.connections}
        className={classes('flex h-14 items-center gap-2.5 rounded-md font-semibold', narrow ? '' : 'px-2.5')}
        aria-label="Polydev"
      >
        <Mark className="size-6.5" />
        {!narrow && <span className="text-lg tracking-[-0.015em]">Polydev</span>}
      </NavLink>
      <div className="mt-3 flex w-full flex-col gap-1">
        {places.map(({ to, name, Icon }) => (
          <NavLink
            key={to}
            to={to}
            aria-label={narrow ? name : undefined}
            title={narrow ? name : undefined}
            className={({ isActive }) =>
              classes(
                'flex h-10 items-center gap-3 rounded-md text-sm transition-colors',
                narrow ? 'justify-center' : 'px-2.5',
                isActive
                  ? 'bg-accent-soft font-medium text-text [&>svg]:text-accent'
                  : 'text-muted hover:bg-sunken hover:text-text',
              )
            }
          >
            <Icon className="size-4.5 shrink-0" aria-hidden />
            {!narrow && name}
          </NavLink>
        ))}
      </div>
    </nav>
  );
}

export function BottomBar() {
  return (
    <nav
      aria-label="Pages"
      className="sticky bottom-0 z-30 grid shrink-0 grid-cols-4 border-t border-line bg-surface pb-[env(safe-area-inset-bottom)] md:hidden"
    >
      {places.map(({ to, name, Icon }) => (
        <NavLink
          key={to}
          to={to}
          className={({ isActive }) =>
            classes(
              'flex h-14 flex-col items-center justify-center gap-1 text-[0.6875rem] leading-4 outline-offset-[-2px]',
              isActive ? 'font-medium text-accent' : 'text-muted',
            )
          }
        >
          <Icon className="size-5" aria-hidden />
          {name}
        </NavLink>
      ))}
    </nav>
  );
}
