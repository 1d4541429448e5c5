/** The agent as one file, bundled from guest/. The same source gives the same bytes in every folder. */

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PolydevError } from '@polydev/protocol';
import { build } from 'esbuild';

const projectRoot = dirname(import.meta.dirname);

export async function bundleAgent(entry = join(projectRoot, 'guest/main.ts')): Promise<Uint8Array> {
  if (!existsSync(entry)) throw new PolydevError('image_broken', `The agent's source ${entry} is missing.`);
  const result = await build({
    entryPoints: [entry],
    absWorkingDir: projectRoot,
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    legalComments: 'none',
    // Bundled CommonJS packages still call require for Node's own modules.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'silent',
  }).catch((cause: unknown) => {
    throw new PolydevError('image_broken', 'The agent does not bundle.', { cause });
  });
  const file = result.outputFiles[0];
  if (file === undefined) throw new PolydevError('image_broken', 'Bundling the agent gave no file.');
  return file.contents;
}
