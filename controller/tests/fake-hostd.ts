/** A host service without sandboxes, for tests that start the whole controller. */

import { once } from 'node:events';
import { createServer } from 'node:http';

export async function startFakeHostd(socket: string): Promise<() => Promise<void>> {
  const server = createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    if (request.url === '/events') response.write('{"type":"present","ids":[]}\n');
    else response.end('[]');
  });
  server.listen({ path: socket });
  await once(server, 'listening');
  return async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
}
