/** Starts hostd as root, then what runs as the unprivileged user, and stops them in reverse. */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { limits } from '@polydev/protocol';
import { type Child, type StopSignal, startChild } from './child.ts';
import { startStandIns } from './demo.ts';
import { type HostPaths, serviceUser } from './paths.ts';
import type { Progress } from './progress.ts';
import { nodeOf } from './release.ts';
import type { ServiceUser } from './service-user.ts';

/** What the controller says on its first line. */
export interface ControllerReady {
  url: string;
  setupPath: string | null;
  masterKeyFile: string | null;
  masterKeyCreated: boolean;
}

interface HostdReady {
  gateway: { host: string; port: number };
}

export interface ProcessOptions {
  paths: HostPaths;
  release: string;
  user: ServiceUser;
  imageHash: string;
  /** What is undefined here comes from the config file, or is the controller's default. */
  host: string | undefined;
  port: string | undefined;
  configFile: string | undefined;
  /** The stand-ins run too, and the controller's config file is the demo's own. */
  demo: boolean;
  progress: Progress;
  onTrouble: (sentence: string) => void;
}

export interface Processes {
  ready: ControllerReady;
  stop(signal: StopSignal): Promise<void>;
}

/**
 * V8's first compiler alone for WebAssembly, which is the embedded database: the second one takes hundreds of megabytes
 * and makes none of Polydev's queries faster.
 */
const databaseCompiler = '--liftoff-only';
/**
 * MiB of each half of V8's space for young objects: at most, because left to itself it takes 128 MiB in all while the
 * libraries load, and never gives them back; and at least, because pages that it gives up now and then are kept for
 * it, up to 16 MiB of them.
 */
const youngObjects = ['--max-semi-space-size=4', '--min-semi-space-size=4'];
/**
 * Of objects that have lived a while: after how many MiB V8 first looks which of them still do, and how many percent
 * there may be more each time before it looks again. Left to itself it waits for many more, in each thread, and what it
 * takes until then it keeps (`bench soak`).
 */
const oldObjects = ['--initial-old-space-size=4', '--heap-growing-percent=20'];

/**
 * Instead of the C library's allocator (docs/decisions/0020). The linker finds it by its name, and goes on without it.
 * What was freed a second ago is given back as soon as something else is allocated or freed; two arenas are enough: of
 * the controller's threads one allocates at any time, the database's and the pictures' seldom.
 */
const allocator = {
  LD_PRELOAD: 'libjemalloc.so.2',
  MALLOC_CONF: 'narenas:2,dirty_decay_ms:1000,muzzy_decay_ms:0',
};

export async function startProcesses(options: ProcessOptions): Promise<Processes> {
  const { paths, release, user, progress, onTrouble } = options;
  await mkdir(paths.run, { recursive: true, mode: 0o755 });
  await mkdir(paths.journal, { recursive: true, mode: 0o700 });
  const common = {
    command: nodeOf(release),
    cwd: release,
  };

  const hostd = await progress.step('Host service', () => startHostd({ paths, release, onTrouble }));

  const started: Child<unknown>[] = [hostd];
  const stop = (signal: StopSignal) => stopAll(started, signal);
  try {
    let { configFile } = options;
    if (options.demo) {
      const standIns = await progress.step('Stand-ins', () => startStandIns({ paths, release, user, onTrouble }));
      started.push(standIns.child);
      configFile = standIns.config;
    }
    const controller = await progress.step('Controller', () =>
      startChild<ControllerReady>(
        {
          ...common,
          name: 'controller',
          args: [
            ...[databaseCompiler, ...youngObjects, ...oldObjects],
            join(release, 'controller/main.ts'),
            ...flags({
              host: options.host,
              port: options.port,
              data: paths.controller,
              hostd: paths.hostdSocket,
              image: options.imageHash,
              'egress-address': paths.gatewayAddress,
              web: join(release, 'web/dist'),
              config: configFile,
            }),
          ],
          env: {
            ...controllerEnvironment(options.demo),
            ...allocator,
            NODE_COMPILE_CACHE: join(paths.controller, 'compile-cache'),
          },
          user,
          goesFirst: true,
          logFile: join(paths.home, 'logs/controller.log'),
        },
        onTrouble,
      ),
    );
    started.push(controller);
    return { ready: controller.ready, stop };
  } catch (error) {
    await stop('SIGTERM');
    throw error;
  }
}

/** The last one first. By the time that a hand-over may take all of them have stopped, or are killed. */
export async function stopAll(started: Child<unknown>[], signal: StopSignal): Promise<void> {
  const lastMs = performance.now() + limits.stopKillMs;
  for (let child = started.pop(); child; child = started.pop()) {
    const leftMs = Math.max(lastMs - performance.now(), limits.stopShortMs);
    await (signal === 'SIGTERM' ? child.stop(signal, leftMs) : child.stop(signal));
  }
}

export function startHostd({
  paths,
  release,
  onTrouble,
}: Pick<ProcessOptions, 'paths' | 'release' | 'onTrouble'>): Promise<Child<HostdReady>> {
  return startChild<HostdReady>(
    {
      ...{ command: nodeOf(release), cwd: release, name: 'hostd' },
      args: [
        ...[...youngObjects, ...oldObjects, join(release, 'hostd/main.ts')],
        ...flags({
          socket: paths.hostdSocket,
          group: serviceUser,
          journal: paths.journal,
          'run-dir': paths.run,
          images: paths.images,
          instance: paths.instance,
          'gateway-address': paths.gatewayAddress,
        }),
      ],
      env: {
        ...allocator,
        PATH: process.env.PATH,
        LANG: 'C.UTF-8',
        NODE_COMPILE_CACHE: join(paths.home, 'compile-cache'),
      },
      logFile: join(paths.home, 'logs/hostd.log'),
    },
    onTrouble,
  );
}

/** What the controller may know of the environment of whoever started it; a demo nothing of a real one's settings. */
function controllerEnvironment(demo: boolean): NodeJS.ProcessEnv {
  const passed = demo
    ? /^(PATH|LANG|TZ)$/
    : /^(PATH|LANG|TZ|DATABASE_URL|REDIS_URL|POLYDEV_.*|PG.*|NODE_EXTRA_CA_CERTS|SSL_CERT_.*)$/;
  const kept = Object.entries(process.env).filter(([name]) => passed.test(name));
  return { ...Object.fromEntries(kept), NODE_ENV: 'production' };
}

function flags(values: Record<string, string | undefined>): string[] {
  return Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value]));
}
