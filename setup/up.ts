/** `./polydev up`: prepares the host, starts hostd and the controller, and stays with them until it is told to stop. */

import { readFileSync } from 'node:fs';
import { chown, mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { PolydevError } from '@polydev/protocol';
import type { StopSignal } from './child.ts';
import { demoHome, demoPort, markDemo, requireKind } from './demo.ts';
import { journalled } from './down.ts';
import { prepareHost } from './host.ts';
import { requireFreePort, requireRoot, requireWayTo } from './host-checks.ts';
import { defaultHome, hostPaths } from './paths.ts';
import { type ControllerReady, startProcesses } from './processes.ts';
import { createProgress } from './progress.ts';
import { ensureRelease } from './release.ts';
import { hostPackages } from './system-packages.ts';

const defaultHost = '127.0.0.1';
const defaultPort = 4000;

const help = `Usage: ./polydev up [options]     (npm start -- [options])

  --yes            install missing system packages without asking
  --host ADDRESS   listen here; default 127.0.0.1, which admits this machine only
  --port NUMBER    default 4000
  --data FOLDER    default /var/lib/polydev
  --config FILE    more settings of the controller; see docs/config.example.json
  --mirror ADDRESS build the golden image from this Debian archive instead of this host's apt sources
  --demo           try it without an account: local stand-ins instead of the real providers, everything else as it
                   is; default port ${demoPort}, default data folder ${demoHome}
`;

export async function up(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      yes: { type: 'boolean', default: false },
      host: { type: 'string' },
      port: { type: 'string' },
      data: { type: 'string' },
      config: { type: 'string' },
      mirror: { type: 'string' },
      demo: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  requireRoot();
  const { demo } = values;
  if (demo && values.config !== undefined)
    throw new PolydevError(
      'invalid_request',
      'A demo has settings of its own: --demo and --config do not go together.',
    );
  const configFile = values.config === undefined ? undefined : resolve(values.config);
  const settings = { ...readConfigFile(configFile), ...(values.host && { host: values.host }) };
  const port = Number(values.port ?? settings.port ?? (demo ? demoPort : defaultPort));
  await requireFreePort(settings.host ?? defaultHost, port);

  const progress = createProgress(process.stdout);
  const paths = hostPaths(values.data ?? (demo ? demoHome : defaultHome));
  await requireKind(paths.home, demo);
  const { user, imageHash } = await prepareHost({
    packages: hostPackages,
    progress,
    assumeYes: values.yes,
    mirror: values.mirror,
  });

  await requireWayTo(paths.home, user);
  if (demo) await markDemo(paths.home);
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
    port: demo ? String(port) : values.port,
    configFile,
    demo,
    progress,
    onTrouble: (sentence) => process.stderr.write(`! ${sentence}\n`),
  });
  // Who reads the greeting may tell us to stop at once.
  const told = stopSignal();
  process.stdout.write(greeting(processes.ready, demo));
  const signal = await told;
  await progress.step('Stopping', async (step) => {
    await processes.stop(signal);
    const kept = await journalled(paths.journal);
    if (kept > 0) step.result(`${kept} under way; the next start goes on with them, \`./polydev down\` ends them`);
  });
  return 0;
}

/** Who sends SIGTERM will start it again: what is under way waits for that. Ctrl C and a closed terminal mean the end. */
function stopSignal(): Promise<StopSignal> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve('SIGTERM'));
    process.once('SIGINT', () => resolve('SIGINT'));
    process.once('SIGHUP', () => resolve('SIGINT'));
  });
}

/** Only what is needed before the controller reads it whole and checks it. */
function readConfigFile(path: string | undefined): { host?: string; port?: number } {
  if (path === undefined) return {};
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new PolydevError('invalid_request', `The settings in ${path} cannot be read.`, { cause });
  }
}

function greeting(ready: ControllerReady, demo: boolean): string {
  const lines = [``, `  Polydev        ${ready.url}`];
  if (ready.setupPath) lines.push(`  Set it up      ${ready.url}${ready.setupPath}   (works once)`);
  if (demo) {
    lines.push('  Demo           local stand-ins instead of the real providers; nothing leaves this machine');
  } else if (ready.masterKeyCreated) {
    lines.push(`  BACK THIS UP   ${ready.masterKeyFile}   (without it no stored credential can be opened)`);
  }
  return `${lines.join('\n')}\n\n`;
}
