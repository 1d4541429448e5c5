/** The fake behind hostd's socket, seen through its client: to the contract suite, one more driver. */

import { join } from 'node:path';
import { type FakePlace, openSubject as openFake } from '@polydev/drivers/fake/testing/subject';
import type { OpenSubject } from '@polydev/drivers/testing/contract';
import { pino } from 'pino';
import { createHostdClient } from '../client.ts';
import { createHostdServer } from '../server.ts';
import { prepareSocket } from '../socket.ts';

export const openSubject: OpenSubject<FakePlace> = async (place, onStep) => {
  const fake = await openFake(place, onStep);
  const server = createHostdServer({ driver: fake.driver, log: pino({ level: 'silent' }) });
  const socketPath = join(place.folder, 'hostd.sock');
  const client = createHostdClient({ socketPath });
  return {
    ...fake,
    driver: {
      ...client,
      async recover() {
        const recovery = await fake.driver.recover();
        await prepareSocket(socketPath);
        await server.listen({ path: socketPath });
        return recovery;
      },
      async close(options) {
        client.close();
        await server.close();
        await fake.driver.close(options);
      },
    },
  };
};
