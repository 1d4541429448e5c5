/** `./polydev up`: prepares the host, starts hostd and the controller, and stays with them until it is told to stop. */

import { chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { prepareHost } from './host.ts';
import { requireFreePort, requireRoot } from './host-checks.ts';
import { defaultHome, hostPaths } from './paths.ts';
import { startProcesses } from './processes.ts';
import { createProgress } from './progress.ts';
import { ensureRelease } from './release.ts';
import { hostPackages } from './system-packages.ts';

const help = `Usage: ./polydev up [options]     (npm start -- [options])

  --yes            install missing system packages without asking
  --host ADDRESS   listen here; default 127.0.0.1
  --port NUMBER    default 4000
  --data FOLDER    default /var/lib/polydev
  --config FILE    more settings of the controller; see docs/config.example.json
`;

export async function up(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      yes: { type: 'boolean', default: false },
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '4000' },
      data: { type: 'string', default: defaultHome },
      config: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const port = Number(values.port);
  requireRoot();
  await requireFreePort(values.host, port);

  const progress = createProgress(process.stdout);
  const paths = hostPaths(values.data);
  const { user, imageHash } = await prepareHost({ packages: hostPackages, progress, assumeYes: values.yes });

  const release = await progress.step('Release', async (step) => {
    await mkdir(paths.releases, { recursive: true, mode: 0o755 });
    const { dir, fresh } = await ensureRelease(paths.releases);
    if (!fresh) step.result('unchanged');
    return dir;
  });
  await mkdir(paths.controller, { recursive: true, mode: 0o700 });
  await chown(paths.controller, user.uid, user.gid);

  const processes = await startProcesses({
    paths,
    release,
    user,
    imageHash,
    host: values.host,
    port,
    ...(values.config && { configFile: values.config }),
    progress,
    onTrouble: (sentence) => process.stderr.write(`! ${sentence}\n`),
  });
  process.stdout.write(greeting(processes.ready, join(paths.controller, 'master.key')));

  await new Promise((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  await progress.step('Stopping', () => processes.stop());
  return 0;
}

interface Ready {
  url: string;
  setupPath: string | null;
  masterKeyCreated: boolean;
}

function greeting(ready: Ready, keyFile: string): string {
  const lines = [``, `  Polydev        ${ready.url}`];
  if (ready.setupPath) lines.push(`  Set it up      ${ready.url}${ready.setupPath}   (works once)`);
  if (ready.masterKeyCreated) {
    lines.push(`  BACK THIS UP   ${keyFile}   (without it no stored credential can be opened)`);
  }
  return `${lines.join('\n')}\n\n`;
}
