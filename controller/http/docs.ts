/** OpenAPI, made of the schemas that validate: the document at /api/openapi.json and a page to read it at /api/docs. */

import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { App } from './app.ts';
import { contentSecurityPolicy } from './headers.ts';

/** Before the routes: it listens to their registration. */
export async function addDocument(app: App): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Polydev',
        version: '1',
        description:
          'Sign in with the cookie of the dashboard, or send a personal API token as a bearer token. ' +
          'Requests that change something with the cookie must come from the dashboard’s own origin.',
      },
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer' },
          login: { type: 'apiKey', in: 'cookie', name: '__Host-polydev' },
        },
      },
      security: [{ token: [] }, { login: [] }],
    },
  });
}

export async function addDocsPage(app: App): Promise<void> {
  app.get('/api/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  await app.register(swaggerUi, {
    routePrefix: '/api/docs',
    staticCSP: contentSecurityPolicy({ 'style-src': "'self' 'unsafe-inline'" }),
    theme: { title: 'Polydev API' },
    uiConfig: { layout: 'BaseLayout', validatorUrl: null, persistAuthorization: false },
  });
}
