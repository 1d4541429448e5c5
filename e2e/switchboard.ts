/** A TCP relay on loopback that a scenario turns: to another server, to nobody, or to a slow line. */

import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { pipeline, Transform } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Switchboard {
  port: number;
  /** Port on loopback that new connections go to; null hangs up on them. */
  turn(port: number | null): void;
  close(): Promise<void>;
}

/** So much goes through at once on a slow line. */
const sliceBytes = 8 * 1024;

/** `bytesPerSecond`: of all connections together, in each direction. */
export async function openSwitchboard(
  port: number | null,
  { bytesPerSecond }: { bytesPerSecond?: number } = {},
): Promise<Switchboard> {
  let target = port;
  const sockets = new Set<Socket>();
  const line = bytesPerSecond ? { up: createTurns(bytesPerSecond), down: createTurns(bytesPerSecond) } : null;
  const server = createServer((client) => {
    if (target === null) return void client.destroy();
    const upstream = connect({ host: '127.0.0.1', port: target });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    }
    if (line) {
      pipeline(client, slowly(line.up), upstream, () => {});
      pipeline(upstream, slowly(line.down), client, () => {});
    } else {
      pipeline(client, upstream, () => {});
      pipeline(upstream, client, () => {});
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    turn(to) {
      target = to;
    },
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => void server.close(() => resolve()));
    },
  };
}

type Turns = (bytes: number) => Promise<void>;

/** Resolves when so many bytes have gone through the line, after all that were there before. */
function createTurns(bytesPerSecond: number): Turns {
  let freeAtMs = 0;
  return async (bytes) => {
    const nowMs = performance.now();
    freeAtMs = Math.max(freeAtMs, nowMs) + (1000 * bytes) / bytesPerSecond;
    await sleep(freeAtMs - nowMs);
  };
}

function slowly(turn: Turns): Transform {
  return new Transform({
    highWaterMark: sliceBytes,
    async transform(chunk: Buffer, _encoding, done) {
      for (let at = 0; at < chunk.length; at += sliceBytes) {
        const slice = chunk.subarray(at, at + sliceBytes);
        await turn(slice.length);
        this.push(slice);
      }
      done();
    },
  });
}
