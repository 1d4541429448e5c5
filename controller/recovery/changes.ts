/** Tells whoever works on a thing what somebody else, perhaps in another controller, did to it. */

import type { EphemeralStore } from '../store/ephemeral.ts';
import type { StreamId } from '../store/events.ts';

export interface Changes {
  /** Never rejects, and may get lost. */
  tell(id: StreamId): Promise<void>;
  /** Resolves with the way to stop; never rejects. */
  watch(id: StreamId, changed: () => void): Promise<() => void>;
}

/** `changed`: its row, which who is not told finds out when it next changes it. `active`: a person is at it. */
export function createChanges(ephemeral: EphemeralStore, what: 'changed' | 'active'): Changes {
  const channelOf = (id: StreamId) => `${what}:${id}`;
  return {
    tell: (id) => ephemeral.publish(channelOf(id), '').catch(() => {}),
    watch: (id, changed) => ephemeral.subscribe(channelOf(id), changed).catch(() => () => {}),
  };
}
