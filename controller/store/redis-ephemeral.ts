/** The ephemeral store that several controllers share. */

import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { PolydevError } from '@polydev/protocol';
import { Redis } from 'ioredis';
import type { EphemeralStore, Lease } from './ephemeral.ts';

const renewScript = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) else return 0 end`;
const releaseScript = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end`;
const hitScript = `local n = redis.call('incr', KEYS[1]) if n == 1 then redis.call('pexpire', KEYS[1], ARGV[1]) end return n`;

export interface RedisOptions {
  /** `redis://…` or `rediss://…`. */
  url: string;
  /** In front of every key and channel, so that several installations can share one Redis. */
  prefix?: string;
  onError?: (error: unknown) => void;
}

/** Rejects with `unavailable` when Redis does not answer. */
export async function openRedisEphemeral(options: RedisOptions): Promise<EphemeralStore> {
  const prefix = options.prefix ?? 'polydev:';
  const commands = new Redis(options.url, { lazyConnect: true, connectTimeout: 5000, maxRetriesPerRequest: 3 });
  // A connection that subscribes can do nothing else.
  const subscriber = commands.duplicate({ maxRetriesPerRequest: null });
  const channels = new EventEmitter().setMaxListeners(0);
  for (const connection of [commands, subscriber]) connection.on('error', (error) => options.onError?.(error));
  subscriber.on('message', (channel: string, message: string) => channels.emit(channel, message));
  try {
    await Promise.all([commands.connect(), subscriber.connect()]);
  } catch (error) {
    commands.disconnect();
    subscriber.disconnect();
    throw new PolydevError('unavailable', 'Redis does not answer.', { cause: error });
  }

  function holdLease(key: string, holder: string, ttlMs: number): Lease {
    return {
      renew: async () => (await commands.eval(renewScript, 1, key, holder, ttlMs)) === 1,
      release: async () => void (await commands.eval(releaseScript, 1, key, holder)),
    };
  }

  return {
    set: async (key, value, ttlMs) => void (await commands.set(prefix + key, value, 'PX', ttlMs)),
    get: (key) => commands.get(prefix + key),
    take: (key) => commands.getdel(prefix + key),
    delete: async (key) => void (await commands.del(prefix + key)),
    async lease(key, ttlMs) {
      const name = `${prefix}lease:${key}`;
      const holder = randomUUID();
      const taken = await commands.set(name, holder, 'PX', ttlMs, 'NX');
      return taken === 'OK' ? holdLease(name, holder, ttlMs) : null;
    },
    hit: async (key, windowMs) => Number(await commands.eval(hitScript, 1, `${prefix}hit:${key}`, windowMs)),
    publish: async (channel, message) => void (await commands.publish(prefix + channel, message)),
    async subscribe(channel, listener) {
      const name = prefix + channel;
      channels.on(name, listener);
      await subscriber.subscribe(name);
      return () => {
        channels.off(name, listener);
        if (channels.listenerCount(name) === 0) subscriber.unsubscribe(name).catch((error) => options.onError?.(error));
      };
    },
    async close() {
      channels.removeAllListeners();
      await Promise.allSettled([commands.quit(), subscriber.quit()]);
    },
  };
}
