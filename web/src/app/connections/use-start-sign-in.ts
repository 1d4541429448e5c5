/** Starts a sign-in and goes to its desktop. Who leaves before there is one gives it up. */

import type { StartSession } from '@polydev/protocol';
import { useMutation } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { useNavigate } from 'react-router';
import { polydev } from '../data/client.ts';
import { keys, refresh } from '../data/queries.ts';
import { signInPath } from '../paths.ts';

export function useStartSignIn({ replace = false } = {}) {
  const navigate = useNavigate();
  const waiting = useRef<AbortController>(undefined);
  useEffect(() => () => waiting.current?.abort(), []);
  return useMutation({
    mutationFn: (request: StartSession) => {
      // The page of the desktop loads while the desktop starts.
      void import('../sign-in/sign-in-page.tsx');
      waiting.current = new AbortController();
      return polydev.sessions.start(request, { signal: waiting.current.signal });
    },
    onSuccess({ sessionId }) {
      void refresh(keys.sessions);
      void navigate(signInPath(sessionId), { replace });
    },
  });
}
