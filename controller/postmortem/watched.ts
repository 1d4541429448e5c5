/** Driver and table of sandboxes with a witness to what they do. */

import type { Driver } from '@polydev/drivers/contract';
import { PolydevError } from '@polydev/protocol';
import type { SandboxRows } from '../sandboxes/rows.ts';
import type { Witness } from './witness.ts';

export function watchedDriver(driver: Driver, witness: Witness): Driver {
  return {
    ...driver,
    async create(spec) {
      witness.planned(spec);
      try {
        const address = await driver.create(spec);
        witness.reachable(spec.id, { ...address.agent, token: spec.token });
        return address;
      } catch (error) {
        witness.failed(spec.id, error);
        throw error;
      }
    },
    async destroy(id) {
      await witness.closing(id);
      await driver.destroy(id);
      witness.gone(id);
    },
    onExit: (listener) =>
      driver.onExit((exit) => {
        if (exit.reason === 'died') witness.failed(exit.id, new PolydevError('sandbox_failed', 'The sandbox died.'));
        listener(exit);
      }),
  };
}

export function watchedRows(rows: SandboxRows, witness: Witness): SandboxRows {
  return {
    ...rows,
    async insert(sandbox) {
      witness.born(sandbox.id, 'planned');
      await rows.insert(sandbox);
    },
    async move(id, to, options) {
      const moved = await rows.move(id, to, options);
      if (moved) witness.moved(id, to);
      return moved;
    },
  };
}
