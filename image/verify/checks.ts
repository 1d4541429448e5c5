/** What must hold of every golden image, one small question each. An answer is a list of what is wrong. */

import { programs } from './programs.ts';
import { safety } from './safety.ts';
import { settings } from './settings.ts';
import type { Subject } from './subject.ts';
import { units } from './units.ts';

export type Check = (image: Subject) => string[] | Promise<string[]>;

export const checks: Record<string, Check> = { ...units, ...programs, ...settings, ...safety };
