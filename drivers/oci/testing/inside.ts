/** Programs run inside a sandbox as its own are, and a host's hand in its network namespace, for tests. */

import { join } from 'node:path';
import type { SandboxId } from '@polydev/protocol';
import { type ExecResult, run } from '../../exec.ts';
import { firstPid } from '../container.ts';
import { findHost } from '../host.ts';
import { placesOf } from '../places.ts';
import type { OciPlace } from './subject.ts';

const { programs } = await findHost();
const anyStatus = Array.from({ length: 256 }, (_, status) => status);

export interface Inside {
  readonly id: SandboxId;
  /** Runs with the sandbox's own rights: root of its user namespace, its capabilities, its system calls. */
  run(...argv: string[]): Promise<ExecResult>;
  /** Evaluates an expression of JavaScript that may await, and gives what it gives, as text. */
  evaluate(expression: string): Promise<string>;
  /** Runs with all rights in the sandbox's network, as nobody inside could. */
  inNetwork(...argv: string[]): Promise<ExecResult>;
}

export function insideOf(place: OciPlace, id: SandboxId): Inside {
  const places = placesOf(place, id);
  const enter = (argv: string[]) =>
    run([programs.runc, '--root', join(places.runcState), 'exec', id, ...argv], {
      allow: anyStatus,
      deadlineMs: 120_000,
    });
  return {
    id,
    run: (...argv) => enter(argv),
    async evaluate(expression) {
      const script = `console.log(await (async () => (${expression}))())`;
      const result = await enter(['/usr/local/bin/node', '--input-type=module', '--eval', script]);
      return result.code === 0 ? result.stdout.trim() : `status ${result.code}: ${result.stderr.trim()}`;
    },
    inNetwork: async (...argv) =>
      run(['nsenter', `--net=/proc/${await firstPid(places)}/ns/net`, ...argv], {
        allow: anyStatus,
        deadlineMs: 120_000,
      }),
  };
}
