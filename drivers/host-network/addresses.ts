/** The addresses of an instance's sandboxes: the /22 around its gateway, without the gateway's own. */

import { isIPv4 } from 'node:net';
import { PolydevError } from '@polydev/protocol';

const size = 1024;

export interface AddressPool {
  /** All of them, as CIDR. */
  readonly block: string;
  /** A free address, or `capacity`. */
  reserve(): string;
  take(address: string): void;
  free(address: string): void;
}

export function createAddressPool(gateway: string): AddressPool {
  if (!isIPv4(gateway)) throw new PolydevError('invalid_request', `The gateway address ${gateway} is no IPv4 address.`);
  const own = toNumber(gateway);
  const first = own - (own % size);
  const taken = new Set<number>();
  let last = first; // goes round, so that an address rests as long as possible before somebody else gets it

  return {
    block: `${toText(first)}/${32 - Math.log2(size)}`,
    reserve() {
      for (let step = 1; step < size; step++) {
        const candidate = first + ((last - first + step) % size);
        if (candidate === first || candidate === first + size - 1 || candidate === own || taken.has(candidate))
          continue;
        taken.add(candidate);
        last = candidate;
        return toText(candidate);
      }
      throw new PolydevError('capacity', 'No address is left for another sandbox.');
    },
    take: (address) => void taken.add(toNumber(address)),
    free: (address) => void taken.delete(toNumber(address)),
  };
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

function toText(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}
