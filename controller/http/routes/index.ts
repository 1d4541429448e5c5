/** All routes, one file a resource. */

import type { App, RouteDeps } from '../app.ts';
import { addAuthSessionRoutes } from './auth-sessions.ts';
import { addChangeRoutes } from './changes.ts';
import { addCredentialRoutes } from './credentials.ts';
import { addHealthRoutes } from './health.ts';
import { addLoginRoutes } from './login.ts';
import { addProfileRoutes } from './profile.ts';
import { addProviderRoutes } from './providers.ts';
import { addRunRoutes } from './runs.ts';
import { addSandboxRoutes } from './sandboxes.ts';
import { addSetupRoutes } from './setup.ts';
import { addTokenRoutes } from './tokens.ts';

export async function addRoutes(app: App, deps: RouteDeps): Promise<void> {
  addHealthRoutes(app, deps);
  addSetupRoutes(app, deps);
  addLoginRoutes(app, deps);
  addProfileRoutes(app, deps);
  addTokenRoutes(app, deps);
  addProviderRoutes(app);
  addAuthSessionRoutes(app, deps);
  addCredentialRoutes(app, deps);
  addRunRoutes(app, deps);
  addSandboxRoutes(app, deps);
  addChangeRoutes(app, deps);
}
