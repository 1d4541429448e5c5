/** Every time and size limit that more than one part must agree on. `limits.test.ts` asserts their order. */

const second = 1000;
const minute = 60 * second;
const MiB = 1024 * 1024;

export const limits = {
  // Streams
  ticketTtlMs: 30 * second,
  /** A viewer that takes nothing for this long is cut off. */
  viewerStallMs: 30 * second,
  viewerBufferBytes: 1 * MiB,
  /** A stream of events says something at least this often, if only that it is there. */
  streamHeartbeatMs: 15 * second,
  /** One that says nothing for this long is dead. */
  streamSilenceMs: 45 * second,
  /** A stream that has no end of its own is closed then; who is still allowed to takes it up again. */
  changesMs: 10 * minute,
  /** A connection out of a sandbox over which nothing goes. A run that waits for its model in silence has this long. */
  egressIdleMs: 15 * minute,

  // Sandboxes
  agentRequestMs: 10 * second,
  /** With less left on the host no further sandbox is made, in MiB. */
  hostFreeMiB: 256,
  /** What one that has nothing to do takes of the host, as `bench density` measures it, in MiB. */
  desktopMiB: 420,
  headlessMiB: 32,
  sandboxBootMs: 60 * second,
  /** What the host service and its driver have for one sandbox, where one of them hangs. */
  hostCreateMs: 90 * second,
  hostAnswerMs: 30 * second,
  /** What needs the host service waits so long for one that is away. */
  hostAwayMs: 15 * second,
  /** Who cannot wait in line for as long as it takes waits this long for a sandbox. */
  lineMs: 20 * second,
  /** One that waited to be used must answer in this time, or another is taken. */
  wakeMs: 2 * second,
  /** One that has waited to be used for longer is replaced. */
  waitingMs: 60 * minute,
  consoleTailBytes: 64 * 1024,
  journalTailBytes: 64 * 1024,
  /** Of a desktop, as PNG. */
  pictureBytes: 400 * 1024,
  /** To look at one that ended badly, before it goes. */
  lastLookMs: 3 * second,

  // What is kept of sandboxes that ended badly: the newest, by all three
  keptLogs: 200,
  keptLogsBytes: 64 * MiB,
  keptLogsMs: 14 * 24 * 60 * minute,

  // Controllers
  /** After the signal, what runs has this long to end by itself; then it is handed over. */
  drainMs: 3 * second,
  /** A rotated credential that cannot be collected or stored is given up then. */
  writeBackMs: 30 * second,
  /** The same while the controller stops. */
  stopWriteBackMs: 2 * second,
  /** All of a stop: the drain, then a write-back, then a last look, and a moment to let go of everything. */
  stopMs: 9 * second,
  /** Who has not stopped by then is killed by who started it. */
  stopKillMs: 9.4 * second,
  /** What comes after one that had to be killed has at least this long. */
  stopShortMs: 0.3 * second,
  /** For good, the host service destroys every sandbox. */
  stopForGoodMs: 20 * second,
  /** A controller that has not been heard of for this long counts as away. */
  controllerTtlMs: 15 * second,
  /** One that is away for this long is not waited for. */
  takeOverMs: 30 * second,

  // Sign-in
  /** Before the end for want of time or of activity the person is warned. */
  signInWarnMs: 1 * minute,
  /** Nothing happens for this long. */
  signInIdleMs: 4 * minute,
  signInDefaultMs: 5 * minute,
  signInExtendMs: 5 * minute,
  signInHardMs: 30 * minute,
  /** Nobody may set the two limits above to more. */
  signInHardestMs: 24 * 60 * minute,
  proofMs: 90 * second,

  // Runs
  runDefaultMs: 10 * minute,
  runMaxMs: 60 * minute,
  /** After the polite signal, before the process group is killed. */
  runKillGraceMs: 2 * second,
  /** A tool whose end is not heard for this long after it was told to stop is given up. */
  runGiveUpMs: 5 * second,
  leaseMs: 30 * second,
  /** After the loss of all leases none is given for this long: who held one is back much sooner. */
  leaseSettleMs: 3 * second,
  promptChars: 2 * MiB,
  listedTextChars: 500,
  runLineBytes: 8 * MiB,
  runOutputBytes: 128 * MiB,

  // Credentials
  credentialBytes: 256 * 1024,

  // Lists
  pageDefault: 50,
  pageMax: 200,

  // People
  setupLinkMs: 24 * 60 * minute,
  loginTtlMs: 14 * 24 * 60 * minute,
  passwordMinLength: 10,
} as const;
