/** The product with the doubles behind the providers' names, through the product's own routes and extra CA. */

import { type Doubles, type SeenRequest, startDoubles } from '@polydev/doubles';
import { type Product, startProduct } from './product.ts';

export interface World {
  product: Product;
  doubles: Doubles;
  /** Resolves with the first request, past or coming, that fits; each is answered once. */
  seen(fits: (request: SeenRequest) => boolean, withinMs: number): Promise<SeenRequest>;
  /** For the next test: the doubles behave, and nobody who waits from now on means what was asked up to now. */
  reset(): void;
  close(): Promise<void>;
}

export interface WorldOptions {
  /** The controller's; `egress` is merged with the way to the doubles. */
  config?: Record<string, unknown>;
  /** Trusted in sandboxes beside the doubles' own authority. */
  moreCaPem?: string;
  privateCheckout?: boolean;
  env?: Readonly<Record<string, string>>;
  dataMiB?: number;
}

export async function openWorld({ config = {}, moreCaPem = '', ...rest }: WorldOptions = {}): Promise<World> {
  const past: SeenRequest[] = [];
  const waiting = new Set<() => void>();
  const doubles = await startDoubles({
    onRequest(request) {
      past.push(request);
      for (const look of [...waiting]) look();
    },
  });
  const behaviour = structuredClone(doubles.state.behaviour);
  const routes = Object.fromEntries(doubles.hosts.map((host) => [host, `127.0.0.1:${doubles.port}`]));
  const product = await startProduct({
    config: { ...config, egress: { routes, ...(config.egress as object) } },
    extraCaPem: `${doubles.caPem}\n${moreCaPem}`,
    ...rest,
  }).catch(async (error) => {
    await doubles.close();
    throw error;
  });
  return {
    product,
    doubles,
    seen(fits, withinMs) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(look);
          const lately = past.slice(-8).map(({ method, host, path, status }) => `${method} ${host}${path} ${status}`);
          reject(new Error(`The doubles did not hear it. Lately:\n${lately.join('\n')}`));
        }, withinMs);
        const look = () => {
          const at = past.findIndex(fits);
          const [request] = at === -1 ? [] : past.splice(at, 1);
          if (!request) return;
          clearTimeout(timer);
          waiting.delete(look);
          resolve(request);
        };
        waiting.add(look);
        look();
      });
    },
    reset() {
      past.length = 0;
      Object.assign(doubles.state.behaviour, structuredClone(behaviour));
    },
    async close() {
      await product.stop();
      await doubles.close();
    },
  };
}
