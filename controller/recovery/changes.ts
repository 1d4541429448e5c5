/** Tells whoever works on a thing that somebody else, perhaps in another controller, changed its row. */

import type { EphemeralStore } from '../store/ephemeral.ts';
import type { StreamId } from '../store/events.ts';

export interface Changes {
  /** Never rejects: who is not told finds out when it next changes the row itself. */
  tell(id: StreamId): Promise<void>;
  /** Resolves with the way to stop; never rejects. */
  watch(id: StreamId, changed: () => void): Promise<() => void>;
}

export function createChanges(ephemeral: EphemeralStore): Changes {
  const channelOf = (id: StreamId) => `changed:${id}`;
  return {
    tell: (id) => ephemeral.publish(channelOf(id), '').catch(() => {}),
    watch: (id, changed) => ephemeral.subscribe(channelOf(id), changed).catch(() => () => {}),
  };
}
