import { driverContract } from '../../testing/contract.ts';
import { whyNoRealSandbox } from '../../testing/scratch.ts';
import { makePlace, removePlace } from '../testing/place.ts';
import type { OciPlace } from '../testing/subject.ts';

driverContract<OciPlace>('oci', {
  skip: await whyNoRealSandbox(),
  makePlace,
  removePlace,
  module: new URL('../testing/subject.ts', import.meta.url).href,
  timeoutMs: 120_000,
  crashAfterMs: [2, 10, 25, 40, 60, 90, 150, 250],
});
