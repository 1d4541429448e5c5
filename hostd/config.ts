/** What hostd is told when it is started. The only file of hostd that reads argv. */

import { parseArgs } from 'node:util';
import { PolydevError } from '@polydev/protocol';

export interface HostdConfig {
  /** Unix socket to listen on. */
  socket: string;
  /** Group whose members may use the socket. */
  group: string;
  /** Folder of the journal. */
  journal: string;
  /** Sandboxes' tmpfs are mounted below. */
  runDir: string;
  /** Golden images by hash. */
  images: string;
  instance: string;
  gateway: { host: string; port: number };
  /** Sandboxes outlive hostd; the next one adopts them. */
  keep: boolean;
}

export function readConfig(args: string[]): HostdConfig {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args,
    options: {
      socket: text,
      group: text,
      journal: text,
      'run-dir': text,
      images: text,
      instance: { ...text, default: 'main' },
      'gateway-address': { ...text, default: '100.127.255.1' },
      'gateway-port': { ...text, default: '3128' },
      keep: { type: 'boolean', default: false },
    },
  });
  const needed = (name: 'socket' | 'group' | 'journal' | 'run-dir' | 'images'): string => {
    const value = values[name];
    if (value === undefined) throw new PolydevError('invalid_request', `hostd needs --${name}.`);
    return value;
  };
  return {
    socket: needed('socket'),
    group: needed('group'),
    journal: needed('journal'),
    runDir: needed('run-dir'),
    images: needed('images'),
    instance: values.instance,
    gateway: { host: values['gateway-address'], port: Number(values['gateway-port']) },
    keep: values.keep,
  };
}
