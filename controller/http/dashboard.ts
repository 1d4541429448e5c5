/** The dashboard: built files as they are, and one page for all its addresses. Holds no secrets, so it is public. */

import { access } from 'node:fs/promises';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import { PolydevError } from '@polydev/protocol';
import type { FastifyReply } from 'fastify';
import type { App } from './app.ts';

const home = '/dashboard/remote-cli';
const pages = ['/login', '/setup', '/dashboard', '/dashboard/*'];

export async function addDashboard(app: App, webDir: string | null): Promise<void> {
  const options = { config: { access: 'public' }, schema: { hide: true } } as const;
  app.get('/', options, async (_request, reply) => reply.redirect(home));

  const built = webDir !== null && (await exists(join(webDir, 'index.html')));
  if (!built) {
    for (const page of pages)
      app.get(page, options, async () => {
        throw new PolydevError('unavailable', 'The dashboard has not been built.');
      });
    return;
  }

  await app.register(async (scope) => {
    scope.addHook('onRoute', (route) => {
      route.config = { ...route.config, ...options.config };
      route.schema = { ...route.schema, ...options.schema };
    });
    // Only what is there now: a wildcard would make every unknown address public.
    await scope.register(fastifyStatic, {
      root: webDir,
      wildcard: false,
      index: false,
      cacheControl: false,
      setHeaders,
    });
    for (const page of pages) scope.get(page, options, async (_request, reply) => reply.sendFile('index.html'));
  });
}

/** Vite puts a hash of the content into the names in assets/. */
function setHeaders(reply: FastifyReply, path: string): void {
  const immutable = /[\\/]assets[\\/]/.test(path);
  reply.header('cache-control', immutable ? 'public, max-age=31536000, immutable' : 'no-cache');
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
