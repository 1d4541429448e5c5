/** The command line of hostd. There is no other configuration. */

import { isIPv4 } from 'node:net';
import { parseArgs } from 'node:util';
import { instancePattern } from '@polydev/drivers/host-network/names';
import { type Endpoint, PolydevError } from '@polydev/protocol';

export interface HostdConfig {
  /** The unix socket to serve. */
  socket: string;
  /** Name or number of the group that may use the socket. */
  group: string | undefined;
  /** On a disk: what must be swept after a crash. */
  journal: string;
  /** On no disk: sandboxes live here. */
  runDir: string;
  images: string;
  instance: string;
  gateway: Endpoint;
}

export function parseConfig(args: readonly string[]): HostdConfig {
  const values = parse(args);
  const port = Number(values['gateway-port']);
  const gateway = { host: values['gateway-address'], port };
  if (!isIPv4(gateway.host)) throw wrong('gateway-address', 'an IPv4 address', gateway.host);
  if (!Number.isInteger(port) || port < 1 || port > 65535)
    throw wrong('gateway-port', 'a port number', values['gateway-port']);
  if (!instancePattern.test(values.instance))
    throw wrong('instance', 'lower-case letters, digits and dashes, at most 32', values.instance);
  return {
    socket: absolute('socket', values.socket),
    group: values.group,
    journal: absolute('journal', values.journal),
    runDir: absolute('run-dir', values['run-dir']),
    images: absolute('images', values.images),
    instance: values.instance,
    gateway,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        socket: { type: 'string', default: '/run/polydev/main/hostd.sock' },
        group: { type: 'string' },
        journal: { type: 'string', default: '/var/lib/polydev/journal' },
        'run-dir': { type: 'string', default: '/run/polydev/main' },
        images: { type: 'string', default: '/var/cache/polydev/images' },
        instance: { type: 'string', default: 'main' },
        'gateway-address': { type: 'string', default: '100.127.255.1' },
        'gateway-port': { type: 'string', default: '3128' },
      },
    }).values;
  } catch (cause) {
    throw new PolydevError('invalid_request', cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** Colons, commas and backslashes would mean something else in the options of an overlay mount. */
function absolute(name: string, value: string): string {
  if (!/^\/[^:,\\]+$/.test(value)) throw wrong(name, 'an absolute path without colon, comma and backslash', value);
  return value;
}

function wrong(name: string, wanted: string, got: string): PolydevError {
  return new PolydevError('invalid_request', `--${name} must be ${wanted}, not "${got}".`);
}
