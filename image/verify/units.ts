/** Units: there, enabled, startable; and the ones that must not start. */

import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Check } from './checks.ts';
import type { Subject } from './subject.ts';

const unitsPath = '/etc/systemd/system';

export const units: Record<string, Check> = {
  'units are enabled': (image) =>
    image.recipe.units.enable.filter((unit) => !isWanted(image, unit)).map((unit) => `${unit} is not enabled.`),

  'unit programs are there': (image) =>
    image.recipe.units.enable.flatMap((unit) => {
      const lines = image.read(`${unitsPath}/${unit}`)?.matchAll(/^ExecStart=[-@:+!]*(\S+)/gm) ?? [];
      const programs = [...lines].map((match) => match[1] ?? '');
      if (programs.length === 0) return [`${unit} starts no program.`];
      return programs
        .filter((path) => !isProgram(image, path))
        .map((path) => `${unit} starts ${path}, which is missing.`);
    }),

  'units come back': (image) =>
    image.recipe.units.enable
      .filter((unit) => !/^(Restart=(always|on-failure)|Type=oneshot)$/m.test(image.read(`${unitsPath}/${unit}`) ?? ''))
      .map((unit) => `${unit} would stay down after a crash.`),

  'targets are there': (image) =>
    ['polydev-desktop.target', 'polydev-headless.target']
      .filter((target) => image.read(`${unitsPath}/${target}`) === undefined)
      .map((target) => `${target} is missing.`),

  'masked units are masked': (image) =>
    image.recipe.units.mask
      .filter((unit) => linkTarget(image, `${unitsPath}/${unit}`) !== '/dev/null')
      .map((unit) => `${unit} is not masked.`),

  'no serial getty': (image) =>
    ['serial-getty@.service', 'serial-getty@ttyS0.service', 'getty@.service', 'console-getty.service']
      .filter((unit) => linkTarget(image, `${unitsPath}/${unit}`) !== '/dev/null')
      .map((unit) => `${unit} could start and would wait for a terminal.`),
};

export function isProgram(image: Subject, path: string): boolean {
  const target = image.follow(path);
  if (target === undefined) return false;
  const stat = lstatSync(join(image.rootfs, target));
  return stat.isFile() && (stat.mode & 0o111) === 0o111;
}

function isWanted(image: Subject, unit: string): boolean {
  const dirs = readdirSync(join(image.rootfs, unitsPath)).filter((name) => name.endsWith('.wants'));
  return dirs.some((dir) => image.follow(`${unitsPath}/${dir}/${unit}`) !== undefined);
}

function linkTarget(image: Subject, path: string): string | undefined {
  const full = join(image.rootfs, path);
  return lstatSync(full, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(full) : undefined;
}
