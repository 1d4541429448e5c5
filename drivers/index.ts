/** What hostd and tests build a driver from. Each driver and the fake have sub-paths of their own. */

export type { Driver, LocalDriver, Recovery } from './contract.ts';
export { createJournal, type Journal, SandboxRecord } from './journal.ts';
