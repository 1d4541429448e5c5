/** The person's time zone, for the clock of the desktop and the tools. */

import { existsSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

const zoneName = /^[A-Za-z0-9_+-]+(\/[A-Za-z0-9_+-]+){0,2}$/;

/** A zone that this system does not know changes nothing. */
export function setTimeZone(options: { zone: string; zoneFolder: string; localTime: string }): void {
  const target = join(options.zoneFolder, options.zone);
  if (!zoneName.test(options.zone) || !existsSync(target)) return;
  const beside = `${options.localTime}.new`;
  rmSync(beside, { force: true });
  symlinkSync(target, beside);
  renameSync(beside, options.localTime);
}
