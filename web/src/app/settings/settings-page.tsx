/** Who is signed in, the API tokens, the way out. */

import { LogOut } from 'lucide-react';
import type { ReactNode } from 'react';
import { Button } from '../../ui/button.tsx';
import { Skeleton } from '../../ui/skeleton.tsx';
import { useMe } from '../data/queries.ts';
import { useTitle } from '../frame/title.ts';
import { useLogOut } from '../frame/top-bar.tsx';
import { Tokens } from './tokens.tsx';

export default function SettingsPage() {
  useTitle('Settings');
  const me = useMe();
  const logOut = useLogOut();
  return (
    <div className="mx-auto w-full max-w-[46rem] space-y-10 px-4 py-6 sm:px-8 sm:py-8">
      <Section title="Profile" intro="Who Polydev knows you as.">
        <div className="flex flex-wrap items-center gap-4 rounded-lg border border-line bg-surface p-4">
          <span className="grid size-11 place-items-center rounded-full bg-accent-soft text-lg font-semibold text-accent">
            {[...(me.data?.name ?? '')][0]?.toUpperCase()}
          </span>
          <div className="min-w-0 flex-1">
            {me.data ? (
              <>
                <p className="truncate font-medium">{me.data.name}</p>
                <p className="text-sm text-muted">{me.data.role === 'owner' ? 'Owner of this Polydev' : 'Member'}</p>
              </>
            ) : (
              <Skeleton className="h-4 w-32" />
            )}
          </div>
          <Button busy={logOut.isPending} onClick={() => logOut.mutate()}>
            <LogOut className="size-4" aria-hidden />
            Log out
          </Button>
        </div>
      </Section>
      <Section title="API tokens" intro="For scripts, the SDK and the polydev command. A token may do what you may do.">
        <Tokens />
      </Section>
    </div>
  );
}

function Section({ title, intro, children }: { title: string; intro: string; children: ReactNode }) {
  return (
    <section aria-label={title}>
      <h2 className="text-lg font-semibold">{title}</h2>
      <p className="mt-0.5 mb-4 text-sm text-muted">{intro}</p>
      {children}
    </section>
  );
}
