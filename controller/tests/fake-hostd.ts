/** The host service over sandboxes in this process, for tests that start the whole controller. */

import type { Driver } from '@polydev/drivers';
import { createHostdServer } from '@polydev/hostd/server';
import { createLog } from '../log.ts';

export async function startFakeHostd(socket: string, driver: Driver): Promise<() => Promise<void>> {
  const server = createHostdServer({ driver, log: createLog('fatal') });
  await server.listen({ path: socket });
  return () => server.close();
}
