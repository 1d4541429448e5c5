/** SOCKS5 (RFC 1928) for sandboxes: CONNECT without a login, which the source address makes needless. */

import type { Socket } from 'node:net';
import { PolydevError } from '@polydev/protocol';
import ipaddr from 'ipaddr.js';
import type { Caller } from './caller.ts';
import { readExactly } from './exact-read.ts';
import { refused } from './policy.ts';
import { type Target, targetOf } from './target.ts';
import { tunnel } from './tunnel.ts';

export const socksVersion = 5;
const noLogin = 0;
const noMethod = 0xff;
const replies = { granted: 0, refused: 2, unreachable: 4, badCommand: 7, badAddress: 8 } as const;
const addressLengths: Record<number, number> = { 1: 4, 4: 16 };

/** Takes a connection whose first byte says SOCKS5. Never rejects. */
export async function serveSocks(socket: Socket, caller: Caller): Promise<void> {
  try {
    const target = await handshake(socket, caller);
    if (!target) return;
    const server = await caller.open(target);
    caller.patience.stop();
    socket.write(replyOf(replies.granted));
    tunnel(socket, server, caller.flowing);
  } catch (error) {
    const isRefusal = error instanceof PolydevError && error.code === 'egress_refused';
    caller.hangUp(replyOf(isRefusal ? replies.refused : replies.unreachable));
  }
}

/** Undefined when it has been answered already. */
async function handshake(socket: Socket, caller: Caller): Promise<Target | undefined> {
  const [version, methodCount = 0] = await readExactly(socket, 2);
  const methods = await readExactly(socket, methodCount);
  if (version !== socksVersion || !methods.includes(noLogin)) {
    caller.hangUp(Buffer.from([socksVersion, noMethod]));
    return undefined;
  }
  socket.write(Buffer.from([socksVersion, noLogin]));

  const [, command, , type = 0] = await readExactly(socket, 4);
  const host = await readHost(socket, type);
  if (host === undefined) {
    caller.hangUp(replyOf(replies.badAddress));
    return undefined;
  }
  const port = (await readExactly(socket, 2)).readUInt16BE();
  if (command !== 1) {
    caller.hangUp(replyOf(replies.badCommand));
    return undefined;
  }
  const target = targetOf(host, port);
  if (!target) throw caller.refuse(refused('name', 'This is not a host name or address.'));
  return target;
}

async function readHost(socket: Socket, type: number): Promise<string | undefined> {
  if (type === 3) {
    const [length = 0] = await readExactly(socket, 1);
    return (await readExactly(socket, length)).toString('latin1');
  }
  const length = addressLengths[type];
  if (length === undefined) return undefined;
  return ipaddr.fromByteArray([...(await readExactly(socket, length))]).toString();
}

/** The address in it, where the connection comes from, is nobody's business: 0.0.0.0:0. */
function replyOf(code: number): Buffer {
  return Buffer.from([socksVersion, code, 0, 1, 0, 0, 0, 0, 0, 0]);
}
