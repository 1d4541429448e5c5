/** What was fetched is kept until an event, a change made here, or coming back to the page says otherwise. */

import { PolydevApiError } from '@polydev/sdk';
import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { reach } from './reach.ts';

const retries = 2;

export const queryClient = new QueryClient({
  queryCache: new QueryCache({ onError: noteSignedOut }),
  mutationCache: new MutationCache({ onError: noteSignedOut }),
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      retry: (failures, error) => error instanceof PolydevApiError && error.passing && failures < retries,
      retryDelay: (failures) => 300 * 2 ** failures,
      networkMode: 'always',
    },
    mutations: { networkMode: 'always' },
  },
});

reach.whenBack(() => void queryClient.invalidateQueries());

/** The login has ended: the frame sees that nobody is there and shows the way in. */
function noteSignedOut(error: Error): void {
  if (error instanceof PolydevApiError && error.code === 'not_signed_in') queryClient.setQueryData(['me'], null);
}
