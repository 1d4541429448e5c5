/** A process that starts to create a sandbox and is killed on the way: by itself after a step, or by its parent. */

import type { OpenSubject } from './contract.ts';

interface Order {
  module: string;
  place: unknown;
  /** Index of the step after which to die; -1 when the parent kills. */
  afterStep: number;
}

process.once('message', async (order: Order) => {
  const { openSubject } = (await import(order.module)) as { openSubject: OpenSubject<unknown> };
  let step = 0;
  const { driver, spec } = await openSubject(order.place, () => {
    if (step === 0) process.send?.('begun');
    if (step === order.afterStep) process.kill(process.pid, 'SIGKILL');
    step += 1;
  });
  await driver.recover();
  await driver.create(spec());
});
