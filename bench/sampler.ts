/**
 * How long the API takes to answer, asked at a steady pace whether or not the last answer has come. In a thread of its
 * own that goes before others: its own wait for a processor is not what is measured.
 */

import { setPriority } from 'node:os';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

interface Asked {
  url: string;
  token: string;
}

const paceMs = 100;
const paths = ['/api/runs', '/health'];

export interface Sampler {
  /** What every request took, in milliseconds. Rejects when one was not answered as it should be. */
  stop(): Promise<number[]>;
}

export function startSampler(asked: Asked): Sampler {
  const worker = new Worker(new URL(import.meta.url), { workerData: asked });
  const samples = new Promise<number[]>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  samples.catch(() => {}); // Whoever stops it hears of it.
  return {
    async stop() {
      worker.postMessage('stop');
      return await samples;
    },
  };
}

async function sample({ url, token }: Asked): Promise<void> {
  setPriority(-20);
  const asking: Promise<number>[] = [];
  const ask = async (path: string) => {
    const startedMs = performance.now();
    const response = await fetch(new URL(path, url), { headers: { authorization: `Bearer ${token}` } });
    await response.arrayBuffer();
    if (response.status !== 200) throw new Error(`${path} answered ${response.status}.`);
    return performance.now() - startedMs;
  };
  const timer = setInterval(() => asking.push(ask(paths[asking.length % paths.length] ?? '')), paceMs);
  await new Promise((resolve) => parentPort?.once('message', resolve));
  clearInterval(timer);
  parentPort?.postMessage(await Promise.all(asking));
}

if (!isMainThread) await sample(workerData);
