/** Chaining to the operator's own proxy. Its name and password stay here: no sandbox ever sees them. */

import { request } from 'node:http';
import { isIP, isIPv4, type Socket } from 'node:net';
import { type Endpoint, PolydevError } from '@polydev/protocol';
import ipaddr from 'ipaddr.js';
import { readExactly } from './exact-read.ts';
import type { Target } from './target.ts';

export interface Upstream extends Endpoint {
  kind: 'http' | 'socks5';
  login?: { name: string; password: string };
}

const usualPorts: Record<string, number> = { http: 80, socks5: 1080 };
const socksVersion = 5;
const connectCommand = 1;
const addressTypes = { ipv4: 1, name: 3, ipv6: 4 };

/** From `http://` or `socks5://`, with `user:password@` or without. */
export function parseUpstream(text: string): Upstream {
  const url = URL.parse(text);
  const kind = url?.protocol.slice(0, -1);
  const name = decoded(url?.username);
  const password = decoded(url?.password);
  if (!url?.hostname || (kind !== 'http' && kind !== 'socks5') || name === undefined || password === undefined)
    throw new PolydevError('invalid_request', 'egress.upstream is not an http:// or socks5:// address.');
  return {
    kind,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (usualPorts[kind] ?? 0) : Number(url.port),
    ...(name && { login: { name, password } }),
  };
}

function decoded(part = ''): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

/** Makes of a connection to the proxy a connection through it. Rejects, with the socket destroyed, if the proxy will not. */
export async function passThrough(socket: Socket, upstream: Upstream, target: Target): Promise<void> {
  try {
    await (upstream.kind === 'http' ? throughHttp : throughSocks)(socket, upstream, target);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function throughHttp(socket: Socket, { login }: Upstream, { host, port }: Target): Promise<void> {
  const authority = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  const token = login && Buffer.from(`${login.name}:${login.password}`).toString('base64');
  return new Promise((resolve, reject) => {
    const asked = request({
      method: 'CONNECT',
      path: authority,
      headers: { host: authority, ...(token && { 'proxy-authorization': `Basic ${token}` }) },
      createConnection: () => socket,
    });
    asked.on('connect', (response, _socket, head) => {
      const { statusCode = 0 } = response;
      if (statusCode < 200 || statusCode > 299) return reject(new Error(`The proxy answered ${statusCode}.`));
      if (head.length > 0) socket.unshift(head);
      resolve();
    });
    asked.on('error', reject);
    asked.end();
  });
}

async function throughSocks(socket: Socket, { login }: Upstream, { host, port }: Target): Promise<void> {
  const method = login ? 2 : 0;
  socket.write(Buffer.from([socksVersion, 1, method]));
  const chosen = await readExactly(socket, 2);
  if (chosen[0] !== socksVersion || chosen[1] !== method) throw new Error('The proxy wants another kind of login.');
  if (login) {
    socket.write(Buffer.concat([Buffer.from([1]), counted(login.name), counted(login.password)]));
    const verdict = await readExactly(socket, 2);
    if (verdict[1] !== 0) throw new Error('The proxy refused the login.');
  }
  const portBytes = Buffer.from([port >> 8, port & 0xff]);
  socket.write(Buffer.concat([Buffer.from([socksVersion, connectCommand, 0]), socksAddress(host), portBytes]));
  const [, status, , type] = await readExactly(socket, 4);
  if (status !== 0) throw new Error(`The proxy answered ${status}.`);
  const boundBytes =
    type === addressTypes.name ? (await readExactly(socket, 1))[0] : type === addressTypes.ipv6 ? 16 : 4;
  await readExactly(socket, (boundBytes ?? 0) + 2);
}

function socksAddress(host: string): Buffer {
  if (!isIP(host)) return Buffer.concat([Buffer.from([addressTypes.name]), counted(host)]);
  const type = isIPv4(host) ? addressTypes.ipv4 : addressTypes.ipv6;
  return Buffer.from([type, ...ipaddr.parse(host).toByteArray()]);
}

/** At most 255 bytes after their count. */
function counted(text: string): Buffer {
  const bytes = Buffer.from(text).subarray(0, 255);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}
