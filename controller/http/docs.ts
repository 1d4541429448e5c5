/** OpenAPI, made of the schemas that validate: the document at /api/openapi.json and a page to read it at /api/docs. */

import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { Scope } from '@polydev/protocol';
import type { App } from './app.ts';
import { contentSecurityPolicy } from './headers.ts';

/** Before the routes: it listens to their registration. */
export async function addDocument(app: App, { demo }: { demo: boolean }): Promise<void> {
  app.addHook('onRoute', (route) => {
    const access = route.config?.access;
    if (access) route.schema = { ...route.schema, security: access === 'public' ? [] : securityOf(access) };
  });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: demo ? 'Polydev (demo)' : 'Polydev',
        version: '1',
        description:
          (demo ? 'A demo: local stand-ins instead of the real providers; nothing leaves this machine. ' : '') +
          'Sign in with the cookie of the dashboard, or send a personal API token as a bearer token. Each operation ' +
          'names the scope that a token needs for it: every scope includes `read`, `admin` includes all. ' +
          'Requests that change something with the cookie must come from the dashboard’s own origin.',
      },
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer' },
          login: { type: 'apiKey', in: 'cookie', name: '__Host-polydev' },
        },
      },
    },
  });
}

const securityOf = (scope: Scope): Record<string, string[]>[] => [{ token: [scope] }, { login: [] }];

export async function addDocsPage(app: App): Promise<void> {
  app.get('/api/openapi.json', { config: { access: 'read' }, schema: { hide: true } }, async () => app.swagger());
  await app.register(async (scope) => {
    scope.addHook('onRoute', (route) => {
      route.config = { ...route.config, access: 'read' };
    });
    await scope.register(swaggerUi, {
      routePrefix: '/api/docs',
      staticCSP: contentSecurityPolicy({ 'style-src': "'self' 'unsafe-inline'" }),
      theme: { title: 'Polydev API' },
      uiConfig: { layout: 'BaseLayout', validatorUrl: null, persistAuthorization: false },
    });
  });
}
