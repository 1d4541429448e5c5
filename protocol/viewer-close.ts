/** Why a viewer's WebSocket was closed, as its close code. The close reason is one short sentence for people. */

export const viewerClose = {
  /** The sign-in has ended; its state says how. There is nothing to come back to. */
  ended: 4000,
  /** The desktop's side broke off, or never came. Coming back with a new ticket may help. */
  lost: 4001,
  /** The viewer took nothing for too long. */
  stalled: 4002,
  /** The viewer sent something other than binary frames, or the desktop is on another host. */
  refused: 4003,
} as const;
