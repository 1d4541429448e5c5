/** The whole product as a person starts it, on a data folder and a port of its own. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '../setup/free-port.ts';
import { copyMadeDatabase } from '../setup/made-database.ts';
import { linkMadeRelease } from '../setup/made-release.ts';
import { type HostPaths, hostPaths, projectRoot } from '../setup/paths.ts';
import { ensureServiceUser } from '../setup/service-user.ts';

export interface Product {
  url: string;
  /** The one-time link that the first start prints. */
  setupUrl: string;
  paths: HostPaths;
  /** Folder for the test's own files; removed by `remove`. */
  scratch: string;
  /** From the spawn until it said where it is. */
  startMs: number;
  /** For good, unless told otherwise. */
  stop(signal?: 'SIGINT' | 'SIGTERM'): Promise<number | null>;
  remove(): void;
}

export interface ProductOptions {
  /** Merged into the controller's config file. */
  config: Record<string, unknown>;
  extraCaPem?: string;
  /** Start from a copy of the sources that nobody but root can read. */
  privateCheckout?: boolean;
  /** The first start makes its database; by default it finds one, empty, but for a private checkout. */
  makesDatabase?: boolean;
  /** Beside the environment of the test. */
  env?: Readonly<Record<string, string>>;
  /** Size of the disk that the controller's folder and the journal are on; without it, that of the host. */
  dataMiB?: number;
}

const startTimeoutMs = 10 * 60 * 1000;

/** With a data folder whose addresses nobody on this machine has: they follow from its name, and many are made. */
function makeScratch(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list?.map(({ address }) => address) ?? []);
  const held = new Set(addresses.map(blockOf));
  for (;;) {
    const scratch = mkdtempSync(join(tmpdir(), 'polydev-e2e-'));
    chmodSync(scratch, 0o755);
    if (!held.has(blockOf(hostPaths(join(scratch, 'home')).gatewayAddress))) return scratch;
    rmSync(scratch, { recursive: true });
  }
}

/** Of 1024 addresses, which are one product's. */
function blockOf(address: string): string {
  const [first, second, third] = address.split('.').map(Number);
  return [first, second, Math.floor((third ?? 0) / 4)].join('.');
}

export async function startProduct(options: ProductOptions): Promise<Product> {
  const { config, extraCaPem, privateCheckout = false, makesDatabase = privateCheckout, env, dataMiB } = options;
  const scratch = makeScratch();
  const configFile = join(scratch, 'config.json');
  const caFile = join(scratch, 'ca.pem');
  if (extraCaPem) writeFileSync(caFile, extraCaPem);
  const egress = { ...(config.egress as object), ...(extraCaPem && { extraCaFile: caFile }) };
  writeFileSync(configFile, JSON.stringify({ pool: noPool, ...config, egress }, null, 2));
  if (privateCheckout) copyCheckout(join(scratch, 'checkout'));
  const start = async () => {
    if (!privateCheckout) await linkMadeRelease(hostPaths(join(scratch, 'home')).releases);
    if (!makesDatabase && env?.DATABASE_URL === undefined) await layDatabase(scratch);
    return await startAgain(scratch, env);
  };
  if (dataMiB === undefined) return await start();

  // Of all that is written there but logs: the releases beside it would only make it larger.
  const disk = join(scratch, 'disk');
  mkdirSync(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${dataMiB}m`, 'polydev-e2e', disk]);
  const folders = ['controller', 'journal'].map((name) => ({ on: join(disk, name), at: join(scratch, 'home', name) }));
  for (const { on, at } of folders) for (const folder of [on, at]) mkdirSync(folder, { recursive: true });
  for (const { on, at } of folders) execFileSync('mount', ['--bind', on, at]);
  const unmount = () => execFileSync('umount', [...folders.map(({ at }) => at), disk]);
  const product = await start().catch((error) => {
    unmount();
    throw error;
  });
  return {
    ...product,
    remove() {
      unmount();
      product.remove();
    },
  };
}

/** Most scenarios count sandboxes, and share the machine with nothing that only waits. `pool: {}` is a pool as shipped. */
const noPool = { desktop: { min: 0, max: 0 }, headless: { min: 0, max: 0 } };

/** The sources in a folder that only root can read, as after a clone into root's home. */
function copyCheckout(target: string): void {
  mkdirSync(target, { mode: 0o700 });
  for (const name of readdirSync(projectRoot)) {
    const source = join(projectRoot, name);
    if (name === 'node_modules') symlinkSync(source, join(target, name));
    else if (!/^(\.git|e2e|docs)$/.test(name)) cpSync(source, join(target, name), { recursive: true });
  }
}

async function layDatabase(scratch: string): Promise<void> {
  const { controller } = hostPaths(join(scratch, 'home'));
  const { uid, gid } = await ensureServiceUser();
  await copyMadeDatabase(join(controller, 'database'));
  execFileSync('chown', ['--recursive', `${uid}:${gid}`, controller]);
  chmodSync(controller, 0o700);
}

/** Starts on the data that an earlier start left. */
export async function startAgain(scratch: string, env?: Readonly<Record<string, string>>): Promise<Product> {
  const configFile = join(scratch, 'config.json');
  const privateCheckout = join(scratch, 'checkout');
  const checkout = existsSync(privateCheckout) ? privateCheckout : projectRoot;
  return await launch(checkout, scratch, ['--config', configFile], env);
}

/** With the stand-ins that the product itself brings; new, or on what an earlier start left in the folder. */
export async function startDemo(scratch = makeScratch(), env?: Readonly<Record<string, string>>): Promise<Product> {
  return await launch(projectRoot, scratch, ['--demo'], env);
}

async function launch(
  checkout: string,
  scratch: string,
  more: string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Product> {
  const home = join(scratch, 'home');
  const port = await freePort();
  const startedMs = performance.now();
  const args = ['up', '--yes', '--port', String(port), '--data', home, ...more];
  const child = spawn(join(checkout, 'polydev'), args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  const { url, setupUrl } = await links(child);
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    url,
    setupUrl,
    paths: hostPaths(home),
    scratch,
    startMs: performance.now() - startedMs,
    stop(signal = 'SIGINT') {
      child.kill(signal);
      return ended;
    },
    remove() {
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}

/** What it prints when it is up. */
export function links(child: ChildProcess): Promise<{ url: string; setupUrl: string }> {
  return new Promise((resolve, reject) => {
    let said = '';
    let url = '';
    let setupUrl = '';
    const timer = setTimeout(() => reject(new Error(`The product did not start in time:\n${said}`)), startTimeoutMs);
    child.stderr?.on('data', (chunk) => {
      said += chunk;
    });
    if (!child.stdout) throw new Error('No output to read.');
    createInterface({ input: child.stdout }).on('line', (line) => {
      said += `${line}\n`;
      url ||= /Polydev\s+(http\S+)/.exec(line)?.[1] ?? '';
      setupUrl ||= /Set it up\s+(http\S+)/.exec(line)?.[1] ?? '';
      // The empty line ends the greeting.
      if (url && line === '') {
        clearTimeout(timer);
        resolve({ url, setupUrl });
      }
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      reject(new Error(`The product ended with ${code}:\n${said}`));
    });
  });
}
