/** Which tests work on stores, and so run once more on PostgreSQL and Redis. */

import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { projectRoot } from './paths.ts';

/** What a test imports that works on stores of `controller/store/testing.ts`. */
const opensStore = /(testing\/stage|store\/testing|test-app)\.ts'/;
/** Which stores these run on is part of what they say. */
const bringsStore = /setup\/test-servers'|createTestDatabase/;

/** Those of these files, relative to the project. */
export async function storeTestsOf(files: string[]): Promise<string[]> {
  const answers = await Promise.all(files.map((file) => isStoreTest(join(projectRoot, file))));
  return files.filter((_, index) => answers[index]);
}

async function isStoreTest(path: string): Promise<boolean> {
  const text = await readFile(path, 'utf8');
  if (bringsStore.test(text)) return false;
  if (opensStore.test(text)) return true;
  // By something that helps several tests.
  const beside = [...text.matchAll(/^(?:import|\}) .*?from '(\.\/[^']+\.ts)';$/gm)].map(([, name = '']) =>
    join(dirname(path), name),
  );
  for (const helper of beside) if (helper.includes('/tests/') && (await isStoreTest(helper))) return true;
  return false;
}
