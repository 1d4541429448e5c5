/** Two sandboxes of one instance, for a file of tests that look out of one of them. */

import { after, before } from 'node:test';
import type { SandboxAddress, SandboxSpec } from '@polydev/protocol';
import type { LocalDriver } from '../../contract.ts';
import { type Inside, insideOf } from './inside.ts';
import { makePlace, removePlace } from './place.ts';
import { type OciPlace, openSubject } from './subject.ts';

export interface LiveSandbox extends Inside {
  spec: SandboxSpec;
  address: SandboxAddress;
}

export interface Pair {
  place: OciPlace;
  driver: LocalDriver;
  /** The one that misbehaves. */
  bad: LiveSandbox;
  /** Its neighbour. */
  good: LiveSandbox;
}

/** To be called in a suite; gives the pair from the first test on. */
export function withTwoSandboxes(): () => Pair {
  let pair: Pair | undefined;
  before(async () => {
    const place = await makePlace();
    const { driver, spec } = await openSubject(place);
    await driver.recover();
    const make = async (): Promise<LiveSandbox> => {
      const wanted = spec();
      const address = await driver.create(wanted);
      return { ...insideOf(place, wanted.id), spec: wanted, address };
    };
    const [bad, good] = await Promise.all([make(), make()]);
    pair = { place, driver, bad, good };
  });
  after(async () => {
    await pair?.driver.close({ keep: false });
    if (pair) await removePlace(pair.place);
  });
  return () => {
    if (!pair) throw new Error('the sandboxes did not start');
    return pair;
  };
}
