/** Command-line options of the stand-alone doubles. */

import { parseArgs } from 'node:util';
import { demoApiKeys, providerIds } from '@polydev/protocol';
import type { BehaviourOverrides } from './behaviour.ts';
import type { DoublesOptions } from './doubles.ts';

export const usage = `node doubles/main.ts [options]
  --host ADDRESS   listen here (127.0.0.1)
  --port N         0 takes a free one (0)
  --delta-ms N     pause before each piece of an answer
  --folder FOLDER  keep certificates and what was given out; the next start goes on with them
  --demo-keys      accept the API keys that the dashboard of a demo shows
  --requests       print each request that was answered, as JSON lines on stderr`;

const demoKeys = Object.fromEntries(providerIds.map((provider) => [provider, [demoApiKeys[provider]]]));

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
      folder: { type: 'string' },
      'demo-keys': { type: 'boolean', default: false },
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
    options: {
      host: values.host,
      port: wholeNumber('--port', values.port),
      behaviour,
      ...(values['demo-keys'] && { apiKeys: demoKeys }),
      ...(values.folder !== undefined && { folder: values.folder }),
    },
  };
}

function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new RangeError(`${name} takes a whole number, not "${text}".`);
  return Number(text);
}
