/**
 * A desktop's picture as a PNG. It is made in a thread of its own: tens of milliseconds for a processor, more on a busy
 * host, in which the API would not answer.
 */

import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { PolydevError } from '@polydev/protocol';
import type { AgentAccess } from '../services.ts';
import { asStream, openUpstream } from '../stream/upstream.ts';
import { type Picture, readPicture } from './rfb-picture.ts';

export interface Ask {
  picture: Picture;
  /** Takes the PNG, a Uint8Array. */
  answer: MessagePort;
}

/** Rejects when there is no display, or none that paints, by the time the signal aborts. */
export async function takePicture(access: AgentAccess, signal: AbortSignal): Promise<Buffer> {
  const stream = asStream(await openUpstream(access, signal));
  const leave = () => stream.destroy();
  signal.addEventListener('abort', leave, { once: true });
  stream.on('error', () => {}); // The reader hears of it.
  try {
    return await encode(await readPicture(stream));
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

/** Stays for the next picture. */
let thread: Worker | undefined;

function startThread(): Worker {
  const started = new Worker(new URL('./picture-thread.ts', import.meta.url));
  started.unref();
  started.on('error', () => {}); // Whoever waits hears that it is gone.
  started.once('exit', () => {
    if (thread === started) thread = undefined;
  });
  return started;
}

function encode(picture: Picture): Promise<Buffer> {
  const { port1, port2: answer } = new MessageChannel();
  return new Promise((resolve, reject) => {
    port1.once('message', (png: Uint8Array) => resolve(Buffer.from(png)));
    port1.once('close', () => reject(new PolydevError('internal', 'The picture could not be made.')));
    thread ??= startThread();
    thread.postMessage({ picture, answer } satisfies Ask, [answer, picture.pixels.buffer]);
  });
}
