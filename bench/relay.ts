/**
 * Bytes through Polydev's relay beside Debian's websockify: the same flooding source, the same client, one after the
 * other. Polydev relays twice, out of a real sandbox: the agent carries the display's unix socket to TCP, the controller
 * that to the viewer's WebSocket, and both are counted. websockify relays once, with a hand in the sandbox that only
 * root on this host has.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createPolydev } from '@polydev/sdk';
import { WebSocket } from 'ws';
import { setUpOwner } from '../e2e/owner.ts';
import { startProduct } from '../e2e/product.ts';
import { freePort } from '../setup/free-port.ts';
import { type Bench, spreadOf } from './result.ts';

const displaySocket = 'run/polydev-x/rfb.sock';
/** Of `bench/flood.ts`, whose every other byte is zero. */
const mark = 1;
const measureMs = 3000;
const pings = 20;
/** Kernel clock ticks a second, as /proc counts CPU time. */
const ticksPerSecond = 100;
const websockify = '/usr/bin/websockify';

interface Measured {
  bytesPerMs: number;
  /** CPU milliseconds a mebibyte, of each relay on the way. */
  cpuMsPerMiB: number[];
  latenciesMs: number[];
}

export const relay: Bench = async ({ rounds, say }) => {
  if (!existsSync(websockify)) throw new Error('The yardstick is missing: apt install websockify');
  const product = await startProduct({ config: {} });
  const children: ChildProcess[] = [];
  try {
    const polydev = createPolydev({ baseUrl: product.url, token: await setUpOwner(product) });
    const { sessionId } = await polydev.sessions.start({ provider: 'claude_code' });
    for await (const { event } of polydev.sessions.events(sessionId)) {
      if (event.type === 'state' && event.state === 'ready') break;
    }
    const agent = findProcess('/usr/lib/polydev/agent.mjs', `polydev-${product.paths.instance}`);
    const controller = findProcess(join(product.paths.releases), '', 'controller/main.ts');
    const socket = `/proc/${agent}/root/${displaySocket}`;
    children.push(await startFlood(agent));

    const port = await freePort();
    const other = spawn(websockify, [`127.0.0.1:${port}`, '--unix-target', socket], { stdio: 'ignore' });
    children.push(other);
    await reachable(port);

    const ours: Measured[] = [];
    const theirs: Measured[] = [];
    for (let round = 0; round <= rounds; round += 1) {
      const { url, protocols } = await polydev.sessions.display(sessionId);
      const our = await measure(new WebSocket(url, protocols, { perMessageDeflate: false }), () => [
        [agent],
        [controller],
      ]);
      const their = await measure(
        new WebSocket(`ws://127.0.0.1:${port}`, ['binary'], { perMessageDeflate: false }),
        () => [processTree(other.pid ?? 0)],
      );
      const show = ({ bytesPerMs, cpuMsPerMiB }: Measured) =>
        `${Math.round(bytesPerMs / 1000)} MB/s, ${cpuMsPerMiB.map((ms) => ms.toFixed(2)).join(' + ')} CPU-ms/MiB`;
      say(`${round === 0 ? 'warm-up' : `round ${round}/${rounds}`}: ours ${show(our)}; websockify ${show(their)}`);
      if (round === 0) continue;
      ours.push(our);
      theirs.push(their);
    }
    const median = (all: Measured[], of: (one: Measured) => number) => spreadOf(all.map(of)).p50;
    const mean = (all: Measured[], of: (one: Measured) => number) =>
      all.reduce((sum, one) => sum + of(one), 0) / all.length;
    const agentCpu = mean(ours, (one) => one.cpuMsPerMiB[0] ?? 0);
    const controllerCpu = mean(ours, (one) => one.cpuMsPerMiB[1] ?? 0);
    const websockifyCpu = mean(theirs, (one) => one.cpuMsPerMiB[0] ?? 0);
    return {
      results: {
        latency: spreadOf(ours.flatMap((one) => one.latenciesMs)),
        websockifyLatency: spreadOf(theirs.flatMap((one) => one.latenciesMs)),
      },
      ratios: {
        throughput: median(ours, (one) => one.bytesPerMs) / median(theirs, (one) => one.bytesPerMs),
        cpu: (agentCpu + controllerCpu) / websockifyCpu,
        oursMBperSecond: median(ours, (one) => one.bytesPerMs) / 1000,
        websockifyMBperSecond: median(theirs, (one) => one.bytesPerMs) / 1000,
        agentCpuMsPerMiB: agentCpu,
        controllerCpuMsPerMiB: controllerCpu,
        websockifyCpuMsPerMiB: websockifyCpu,
      },
    };
  } finally {
    for (const child of children) child.kill();
    await product.stop();
    product.remove();
  }
};

/** `relays` are the processes of each relay, once it serves the socket. */
async function measure(socket: WebSocket, relays: () => number[][]): Promise<Measured> {
  await once(socket, 'open');
  let bytes = 0;
  let heard: (() => void) | undefined;
  socket.on('message', (data: Buffer) => {
    bytes += data.length;
    if (heard && data.includes(mark)) heard();
  });
  const counted = relays();
  const cpuBefore = counted.map(cpuMs);
  const startedMs = performance.now();
  await new Promise((resolve) => setTimeout(resolve, measureMs)); // the length of the measurement itself
  const tookMs = performance.now() - startedMs;
  const moved = bytes;
  const usedMs = counted.map((pids, at) => cpuMs(pids) - (cpuBefore[at] ?? 0));

  const latenciesMs: number[] = [];
  for (let ping = 0; ping < pings; ping += 1) {
    const sentMs = performance.now();
    const answer = new Promise<void>((resolve) => {
      heard = resolve;
    });
    socket.send(Buffer.from('ping'));
    await answer;
    heard = undefined;
    latenciesMs.push(performance.now() - sentMs);
  }
  socket.terminate();
  return { bytesPerMs: moved / tookMs, cpuMsPerMiB: usedMs.map((ms) => ms / (moved / 1024 ** 2)), latenciesMs };
}

/** User and system time of these processes so far. */
function cpuMs(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return (ticks / ticksPerSecond) * 1000;
}

/** websockify serves each connection in a process of its own. */
function processTree(root: number): number[] {
  const children = readFileSync(`/proc/${root}/task/${root}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean)
    .map(Number);
  return [root, ...children.flatMap(processTree)];
}

function findProcess(argument: string, group: string, second = ''): number {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      const groups = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
      if (command.includes(argument) && command.includes(second) && groups.includes(group)) return Number(pid);
    } catch {
      // It ended while we looked.
    }
  }
  throw new Error(`No process with ${argument}.`);
}

/** In the sandbox's namespaces, in place of the display. */
async function startFlood(agent: number): Promise<ChildProcess> {
  const node = ['/usr/local/bin/node', '--input-type=module-typescript', '-', `/${displaySocket}`];
  const child = spawn('nsenter', ['--target', String(agent), '--all', ...node], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(readFileSync(join(import.meta.dirname, 'flood.ts')));
  await once(child.stdout, 'data');
  return child;
}

async function reachable(port: number): Promise<void> {
  for (;;) {
    const answered = await fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      (error) => error.cause?.code !== 'ECONNREFUSED',
    );
    if (answered) return;
  }
}
