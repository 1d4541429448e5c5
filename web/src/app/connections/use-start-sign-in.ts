/** Starts a sign-in and goes to its desktop. */

import type { StartSession } from '@polydev/protocol';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from 'react-router';
import { polydev } from '../data/client.ts';
import { keys, refresh } from '../data/queries.ts';
import { signInPath } from '../paths.ts';

export function useStartSignIn({ replace = false } = {}) {
  const navigate = useNavigate();
  return useMutation({
    mutationFn: (request: StartSession) => {
      // The page of the desktop loads while the desktop starts.
      void import('../sign-in/sign-in-page.tsx');
      return polydev.sessions.start(request);
    },
    onSuccess({ sessionId }) {
      void refresh(keys.sessions);
      void navigate(signInPath(sessionId), { replace });
    },
  });
}
