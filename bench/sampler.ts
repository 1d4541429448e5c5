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
/** A page's list, and the least there is to ask. */
const paths = { runs: '/api/runs', health: '/health' } as const;

/** Milliseconds of each answer. */
export type Samples = Record<keyof typeof paths, number[]>;

export interface Sampler {
  /** Rejects when a request was not answered as it should be. */
  stop(): Promise<Samples>;
}

export function startSampler(asked: Asked): Sampler {
  const worker = new Worker(new URL(import.meta.url), { workerData: asked });
  const samples = new Promise<Samples>((resolve, reject) => {
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
  const asking: Record<keyof Samples, Promise<number>[]> = { runs: [], health: [] };
  const ask = async (path: string) => {
    const startedMs = performance.now();
    const response = await fetch(new URL(path, url), { headers: { authorization: `Bearer ${token}` } });
    await response.arrayBuffer();
    if (response.status !== 200) throw new Error(`${path} answered ${response.status}.`);
    return performance.now() - startedMs;
  };
  const timer = setInterval(() => {
    const which = asking.runs.length > asking.health.length ? 'health' : 'runs';
    asking[which].push(ask(paths[which]));
  }, paceMs);
  await new Promise((resolve) => parentPort?.once('message', resolve));
  clearInterval(timer);
  const [runs, health] = await Promise.all([Promise.all(asking.runs), Promise.all(asking.health)]);
  parentPort?.postMessage({ runs, health } satisfies Samples);
}

if (!isMainThread) await sample(workerData);
