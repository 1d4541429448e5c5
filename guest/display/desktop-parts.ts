/** Which parts of the desktop are there now; tells of every change. */

import type { AgentEvent, DesktopPart } from '@polydev/protocol';
import type { EventLog } from '../events/event-log.ts';

export interface DesktopParts {
  set(part: DesktopPart, up: boolean): void;
  list(): DesktopPart[];
}

export function createDesktopParts(events: EventLog<AgentEvent>): DesktopParts {
  const up = new Set<DesktopPart>();
  return {
    set(part, isUp) {
      if (up.has(part) === isUp) return;
      if (isUp) up.add(part);
      else up.delete(part);
      events.append({ type: 'desktop', part, up: isUp });
    },
    list: () => [...up],
  };
}
