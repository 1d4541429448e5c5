/** An address without a page. */

import { ButtonLink } from '../ui/button.tsx';
import { useTitle } from './frame/title.ts';
import { paths } from './paths.ts';

export function NotFoundPage() {
  useTitle('Not found');
  return (
    <div className="mx-auto max-w-md px-4 py-24 text-center">
      <h2 className="text-xl font-semibold">There is no page here</h2>
      <p className="mt-2 text-muted">The address may be old, or a letter is missing.</p>
      <ButtonLink to={paths.connections} look="primary" className="mt-6">
        Go to Connections
      </ButtonLink>
    </div>
  );
}
