import { createMemoryEphemeral } from '../memory-ephemeral.ts';
import { ephemeralSuite } from './ephemeral-suite.ts';

ephemeralSuite({
  name: 'memory',
  skip: false,
  async open(t) {
    let nowMs = 1_000_000;
    const store = createMemoryEphemeral({ now: () => nowMs });
    t.after(() => store.close());
    return {
      store,
      async pass(ms) {
        nowMs += ms;
      },
    };
  },
});
