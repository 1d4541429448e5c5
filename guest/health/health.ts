/** What the agent says about itself. */

import type { AgentHealth, DesktopPart, Profile } from '@polydev/protocol';

export function createHealth(deps: {
  version: string;
  profile: Profile;
  claimed: () => boolean;
  desktop: () => DesktopPart[];
  capture: () => AgentHealth['capture'];
  printedAgoMs: () => number | undefined;
}): () => AgentHealth {
  return () => ({
    version: deps.version,
    profile: deps.profile,
    claimed: deps.claimed(),
    desktop: deps.desktop(),
    capture: deps.capture(),
    printedAgoMs: deps.printedAgoMs(),
  });
}
