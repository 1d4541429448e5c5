/**
 * The ephemeral store that several controllers share. Redis may go away, and come back without anything it knew: no
 * command waits for long, followers are woken, and leases are taken back by who held them before others get them.
 */

import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { limits, PolydevError } from '@polydev/protocol';
import { type RedisOptions as Connection, Redis } from 'ioredis';
import type { EphemeralStore, Lease } from './ephemeral.ts';
import type { StoreWatch } from './watch.ts';

const reconnectMs = 100;
const askAgainMs = 50;

/** When this Redis began to know us; now, where its clock was put back since. KEYS born. */
const bear = `local time = redis.call('time')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('set', KEYS[1], now, 'NX')
local age = now - tonumber(redis.call('get', KEYS[1]))
if age < 0 then redis.call('set', KEYS[1], now) age = 0 end`;
/** 1: taken, 0: another has it, below 0: ask again in as many ms. KEYS born, lease. ARGV holder, ttlMs, settleMs. */
const leaseScript = `${bear}
if age < tonumber(ARGV[3]) then return age - tonumber(ARGV[3]) end
if redis.call('set', KEYS[2], ARGV[1], 'PX', ARGV[2], 'NX') then return 1 end
if redis.call('get', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('pexpire', KEYS[2], ARGV[2])
return 1`;
const renewScript = `local holder = redis.call('get', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('set', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`;
const releaseScript = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end`;
const hitScript = `local n = redis.call('incr', KEYS[1]) if n == 1 then redis.call('pexpire', KEYS[1], ARGV[1]) end return n`;

export interface RedisOptions {
  /** `redis://…` or `rediss://…`. */
  url: string;
  /** In front of every key and channel, so that several installations can share one Redis. */
  prefix?: string;
  watch?: StoreWatch;
  settleMs?: number;
  /** What Redis does not answer within this is `unavailable`. */
  answerMs?: number;
}

/** Rejects with `unavailable` when Redis does not answer; so does every method later on. */
export async function openRedisEphemeral(options: RedisOptions): Promise<EphemeralStore> {
  const { prefix = 'polydev:', watch, answerMs = 1_000 } = options;
  const connectTimeout = Math.max(2_000, answerMs);
  const connection: Connection = { lazyConnect: true, connectTimeout, retryStrategy: () => reconnectMs };
  const commands = new Redis(options.url, {
    ...connection,
    commandTimeout: answerMs,
    // What waits for Redis waits here, where it can be given up: a lease that is taken late is nobody's.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
  });
  // A connection that subscribes can do nothing else.
  const subscriber = new Redis(options.url, { ...connection, maxRetriesPerRequest: null });
  const channels = new EventEmitter().setMaxListeners(0);
  /** Renew the leases that are held here. */
  const held = new Set<() => Promise<unknown>>();

  let closing = false;
  let known = true;
  const gone = (error: unknown) => {
    if (known && !closing) watch?.lost(error);
    known = false;
  };
  commands.on('error', gone);
  commands.on('close', () => gone(new Error('The connection was closed.')));
  commands.on('ready', () => {
    if (!known) watch?.back();
    known = true;
    for (const renew of held) renew().catch(() => {});
  });
  subscriber.on('error', () => {});
  subscriber.on('message', (channel: string, message: string) => channels.emit(channel, message));
  subscriber.on('ready', () => {
    for (const channel of channels.eventNames()) channels.emit(channel, '');
  });

  try {
    await Promise.all([commands.connect(), subscriber.connect()]);
    await commands.eval(`${bear} return age`, 1, `${prefix}born`);
  } catch (error) {
    closing = true;
    commands.disconnect();
    subscriber.disconnect();
    throw unavailable(error);
  }

  /** For commands that may be given twice: the answer to the first may have been lost. */
  async function ask<T>(command: () => Promise<T>): Promise<T> {
    const patience = AbortSignal.timeout(answerMs);
    for (;;) {
      try {
        return await command();
      } catch (error) {
        await sleep(askAgainMs, undefined, { signal: patience }).catch(() => {});
        if (patience.aborted || closing) throw unavailable(error);
      }
    }
  }

  function holdLease(key: string, holder: string, ttlMs: number): Lease {
    let released = false;
    const renew = () => ask(async () => !released && (await commands.eval(renewScript, 1, key, holder, ttlMs)) === 1);
    held.add(renew);
    return {
      renew,
      async release() {
        released = true;
        held.delete(renew);
        await ask(() => commands.eval(releaseScript, 1, key, holder));
      },
    };
  }

  return {
    set: async (key, value, ttlMs) => void (await ask(() => commands.set(prefix + key, value, 'PX', ttlMs))),
    get: (key) => ask(() => commands.get(prefix + key)),
    take: (key) => ask(() => commands.getdel(prefix + key)),
    delete: async (key) => void (await ask(() => commands.del(prefix + key))),
    async lease(key, ttlMs, holder = randomUUID()) {
      const keys = [`${prefix}born`, `${prefix}lease:${key}`] as const;
      for (;;) {
        const args = [holder, ttlMs, options.settleMs ?? limits.leaseSettleMs] as const;
        const answer = Number(await ask(() => commands.eval(leaseScript, keys.length, ...keys, ...args)));
        if (answer >= 0) return answer === 1 ? holdLease(keys[1], holder, ttlMs) : null;
        await sleep(-answer);
      }
    },
    hit: async (key, windowMs) => Number(await ask(() => commands.eval(hitScript, 1, `${prefix}hit:${key}`, windowMs))),
    publish: async (channel, message) => void (await ask(() => commands.publish(prefix + channel, message))),
    async subscribe(channel, listener) {
      const name = prefix + channel;
      channels.on(name, listener);
      // While Redis is away this stays to be done; who asks goes on without.
      await Promise.race([subscriber.subscribe(name).catch(() => {}), sleep(answerMs, undefined, { ref: false })]);
      return () => {
        channels.off(name, listener);
        if (channels.listenerCount(name) === 0) subscriber.unsubscribe(name).catch(() => {});
      };
    },
    async close() {
      closing = true;
      channels.removeAllListeners();
      await Promise.allSettled([commands, subscriber].map((each) => each.status === 'ready' && each.quit()));
      for (const each of [commands, subscriber]) each.disconnect();
    },
  };
}

function unavailable(cause: unknown): PolydevError {
  return new PolydevError('unavailable', 'Redis does not answer.', { cause });
}
