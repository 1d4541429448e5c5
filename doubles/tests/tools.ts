/** Finds the real tools, and gives each test a home folder, a browser and an environment for them. */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, lstatSync, readlinkSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { type ConnectProxy, startConnectProxy } from '../connect-proxy.ts';
import type { Doubles } from '../index.ts';

const images = process.env.POLYDEV_IMAGES ?? '/var/cache/polydev/images';
const toolNames = ['claude', 'codex', 'gemini'] as const;
export type Tool = (typeof toolNames)[number];
export type Tools = Record<Tool, string>;

/** Links in an image are absolute as seen from inside it. */
function inImage(rootfs: string, path: string): string {
  const whole = join(rootfs, path);
  const link = lstatSync(whole, { throwIfNoEntry: false })?.isSymbolicLink();
  return link ? join(rootfs, resolve(dirname(path), readlinkSync(whole))) : whole;
}

/** The programs of a folder that npm filled, else those of the current golden image. */
export function findTools(): Tools | undefined {
  const chosen = process.env.POLYDEV_TEST_TOOLS;
  const rootfs = join(images, 'current/rootfs');
  const pathOf = (tool: Tool) =>
    chosen ? join(chosen, 'node_modules/.bin', tool) : inImage(rootfs, join('/usr/local/bin', tool));
  const tools = Object.fromEntries(toolNames.map((tool) => [tool, pathOf(tool)])) as Tools;
  return Object.values(tools).every((path) => existsSync(path)) ? tools : undefined;
}

export const noToolsReason = `no tools: build an image (none in ${images}), or set POLYDEV_TEST_TOOLS to a folder where npm installed them`;

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface Running {
  child: ChildProcess;
  /** Resolves with the match as soon as stdout and stderr together contain it. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  ended: Promise<Outcome>;
  /** Kills it and what it started. */
  stop(): void;
}

export interface Bench {
  home: string;
  proxy: ConnectProxy;
  start(tool: Tool, args: readonly string[], env?: Record<string, string>): Running;
  /** With a terminal of its own, for tools that insist on one. */
  startInTerminal(tool: Tool, args: readonly string[], env?: Record<string, string>): Running;
  run(tool: Tool, args: readonly string[], stdin?: string, env?: Record<string, string>): Promise<Outcome>;
  close(): Promise<void>;
}

/** A fresh home and a proxy in front of the doubles: what a sandbox is to the tools. */
export async function createBench(doubles: Doubles, tools: Tools): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'polydev-tools-'));
  const home = join(folder, 'home');
  const cwd = join(home, 'work');
  await mkdir(join(home, '.codex'), { recursive: true });
  await mkdir(cwd);
  const proxy = await startConnectProxy(doubles);
  const caPath = join(folder, 'ca.pem');
  await writeFile(caPath, doubles.caPem);
  const browser = await writeBrowser(folder, doubles);
  const proxyUrl = `http://127.0.0.1:${proxy.port}`;
  const baseEnv = {
    PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
    HOME: home,
    TMPDIR: folder,
    CODEX_HOME: join(home, '.codex'),
    TERM: 'xterm-256color',
    BROWSER: browser,
    HTTPS_PROXY: proxyUrl,
    HTTP_PROXY: proxyUrl,
    NO_PROXY: 'localhost,127.0.0.1',
    NODE_EXTRA_CA_CERTS: caPath,
    SSL_CERT_FILE: caPath,
    CODEX_CA_CERTIFICATE: caPath,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
    GEMINI_CLI_NO_RELAUNCH: '1',
    GEMINI_CLI_TRUST_WORKSPACE: 'true',
  };
  const children = new Set<ChildProcess>();

  function launch(argv: readonly [string, ...string[]], env: Record<string, string>): Running {
    const [program, ...args] = argv;
    const child = spawn(program, args, { cwd, env: { ...baseEnv, ...env }, detached: true });
    children.add(child);
    return watch(child, () => children.delete(child));
  }

  const start = (tool: Tool, args: readonly string[], env: Record<string, string> = {}) =>
    launch([tools[tool], ...args], env);

  return {
    home,
    proxy,
    start,
    startInTerminal(tool, args, env = {}) {
      // `script` takes a command line for a shell: the words reach it as variables.
      const words = [tools[tool], ...args];
      const names = words.map((_word, index) => `WORD_${index}`);
      const variables = Object.fromEntries(names.map((name, index) => [name, words[index] ?? '']));
      const line = names.map((name) => `"$${name}"`).join(' ');
      return launch(['script', '-qfc', line, '/dev/null'], { ...variables, ...env });
    },
    run(tool, args, stdin = '', env = {}) {
      const running = start(tool, args, env);
      running.child.stdin?.on('error', () => {}).end(stdin);
      return running.ended;
    },
    async close() {
      for (const child of children) killGroup(child);
      await proxy.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** An executable that takes the address as its one argument. */
async function writeBrowser(folder: string, doubles: Doubles): Promise<string> {
  const settings = join(folder, 'browser.json');
  const path = join(folder, 'browser');
  const log = join(folder, 'home', 'visits.log');
  await writeFile(settings, JSON.stringify({ port: doubles.port, caPem: doubles.caPem, log }));
  const module = JSON.stringify(new URL('./browser.ts', import.meta.url).href);
  const call = `import(${module}).then(({ browse }) => browse(${JSON.stringify(settings)}, process.argv[2]));`;
  await writeFile(path, `#!${process.execPath}\n${call}\n`, { mode: 0o755 });
  return path;
}

function watch(child: ChildProcess, onEnd: () => void): Running {
  const outcome: Outcome = { code: null, stdout: '', stderr: '' };
  const waiting = new Set<() => void>();
  const take = (name: 'stdout' | 'stderr') => (piece: string) => {
    outcome[name] += piece;
    for (const look of waiting) look();
  };
  child.stdout?.setEncoding('utf8').on('data', take('stdout'));
  child.stderr?.setEncoding('utf8').on('data', take('stderr'));
  const ended = new Promise<Outcome>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      onEnd();
      resolve({ ...outcome, code });
    });
  });
  function printed(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = pattern.exec(outcome.stdout + outcome.stderr);
        if (!found) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
      ended.then(() => reject(new Error(`Ended without ${pattern}: ${outcome.stdout}${outcome.stderr}`)), reject);
    });
  }
  return { child, printed, ended, stop: () => killGroup(child) };
}

function killGroup({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  process.kill(-pid, 'SIGKILL');
}
