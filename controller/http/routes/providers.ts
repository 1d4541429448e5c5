import { ProviderInfo } from '@polydev/protocol';
import { providers } from '@polydev/providers';
import type { App } from '../app.ts';
import { access, Items } from './shapes.ts';

export function addProviderRoutes(app: App): void {
  app.get(
    '/api/providers',
    { ...access('read'), schema: { tags: ['providers'], response: { 200: Items(ProviderInfo) } } },
    async () => ({
      items: Object.values(providers).map((provider) => provider.info),
    }),
  );
}
