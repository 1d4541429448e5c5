/** Who is signed in and where, how it looks, the API tokens. */

import { Button } from '../../ui/button.tsx';
import { FailureNote } from '../../ui/failure-note.tsx';
import { failureOf } from '../data/errors.ts';
import { useMe } from '../data/queries.ts';
import { overlays } from '../frame/overlays.ts';
import { Page } from '../frame/page.tsx';
import { useTitle } from '../frame/title.ts';
import { Appearance } from './appearance.tsx';
import { Logins } from './logins.tsx';
import { Profile } from './profile.tsx';
import { ListSkeleton, Section } from './section.tsx';
import { Tokens } from './tokens.tsx';

export default function SettingsPage() {
  useTitle('Settings');
  const me = useMe();
  return (
    <Page>
      <Section title="Profile" intro="Who Polydev knows you as.">
        {me.data ? (
          <Profile me={me.data} />
        ) : me.isError ? (
          <FailureNote {...failureOf(me.error)} onRetry={() => void me.refetch()} />
        ) : (
          <ListSkeleton />
        )}
      </Section>
      <Section title="Appearance" intro="In this browser.">
        <Appearance />
      </Section>
      <Section title="API tokens" intro="For scripts, the SDK and the polydev command.">
        <Tokens />
      </Section>
      <Section title="Signed-in browsers" intro="Where this account is open now.">
        <Logins />
      </Section>
      <Section title="Keyboard" intro="Everything here works without a mouse.">
        <Button onClick={() => overlays.show('shortcuts')}>Show the shortcuts</Button>
      </Section>
    </Page>
  );
}
