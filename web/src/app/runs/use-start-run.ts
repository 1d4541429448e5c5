/** Starts a run and goes to it. */

import type { StartRun } from '@polydev/protocol';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from 'react-router';
import { polydev } from '../data/client.ts';
import { keys, refresh } from '../data/queries.ts';
import { queryClient } from '../data/query-client.ts';
import { runPath } from '../paths.ts';

export function useStartRun() {
  const navigate = useNavigate();
  return useMutation({
    mutationFn: (request: StartRun) => polydev.runs.start(request),
    onSuccess(run) {
      queryClient.setQueryData(keys.run(run.id), run);
      void refresh(keys.runs);
      void navigate(runPath(run.id));
    },
  });
}
