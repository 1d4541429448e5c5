/** Command-line options of the stand-alone doubles. */

import { parseArgs } from 'node:util';
import { providerIds } from '@polydev/protocol';
import type { BehaviourOverrides } from './behaviour.ts';
import type { DoublesOptions } from './doubles.ts';

export const usage = `node doubles/main.ts [--host ADDRESS] [--port N] [--delta-ms N] [--requests]
  --delta-ms N   pause before each piece of an answer
  --requests     print each request that was answered, as JSON lines on stderr`;

export interface Config {
  help: boolean;
  requests: boolean;
  options: DoublesOptions;
}

export function readConfig(argv: readonly string[]): Config {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      help: { type: 'boolean', default: false },
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '0' },
      'delta-ms': { type: 'string' },
      requests: { type: 'boolean', default: false },
    },
  });
  const deltaMs = values['delta-ms'];
  const behaviour: BehaviourOverrides =
    deltaMs === undefined
      ? {}
      : Object.fromEntries(providerIds.map((provider) => [provider, { deltaMs: wholeNumber('--delta-ms', deltaMs) }]));
  return {
    help: values.help,
    requests: values.requests,
    options: { host: values.host, port: wholeNumber('--port', values.port), behaviour },
  };
}

function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new RangeError(`${name} takes a whole number, not "${text}".`);
  return Number(text);
}
