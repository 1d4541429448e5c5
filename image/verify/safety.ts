/** What must not be in an image: identities, secrets, ways to become somebody else, places that keep data. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { idShift } from '@polydev/protocol';
import { runCommand } from '../host-command.ts';
import type { Check } from './checks.ts';

/** Private keys, npm and apt logins. */
const secretPattern =
  '-----BEGIN [A-Z ]*PRIVATE KEY-----|:_(authToken|auth|password) *=|^machine .* password |//[^/ ]+:[^/ ]+@';
const secretPlaces = ['etc', 'root', 'home', 'var', 'srv', 'usr/local', 'usr/lib/polydev', 'usr/share/polydev'];
/** Mounted over by the driver, so what the image holds there does not matter. */
const mountedOver = ['/run', '/tmp', '/home', '/dev', '/proc', '/sys'];

export const safety: Record<string, Check> = {
  'no machine identity': (image) => {
    const keys = (image.follow('/etc/ssh') ? readdirSync(join(image.rootfs, 'etc/ssh')) : []).filter((name) =>
      name.startsWith('ssh_host_'),
    );
    return [
      ...(image.read('/etc/machine-id') === '' ? [] : ['/etc/machine-id must be there and empty.']),
      ...(image.follow('/var/lib/dbus/machine-id') ? ['/var/lib/dbus/machine-id is baked in.'] : []),
      ...(image.follow('/var/lib/systemd/random-seed') ? ['A random seed is baked in.'] : []),
      ...keys.map((name) => `/etc/ssh/${name} is baked in.`),
    ];
  },

  'no secrets': async (image) => {
    const places = secretPlaces.map((place) => join(image.rootfs, place));
    const found = await runCommand([
      'grep',
      '--recursive',
      '--files-with-matches',
      '-IE',
      '-e',
      secretPattern,
      ...places,
    ]);
    const files = found.stdout.split('\n').filter(Boolean);
    return files.map((file) => `${file.slice(image.rootfs.length)} looks like it holds a secret.`);
  },

  'no password': (image) =>
    (image.read('/etc/shadow') ?? '')
      .split('\n')
      .filter((line) => line !== '' && !/^[^:]+:[!*]/.test(line))
      .map((line) => `${line.split(':')[0]} can log in with a password or without one.`),

  'no setuid surprises': (image) =>
    image
      .entries()
      .filter(
        ({ path, mode, kind }) =>
          kind === 'file' && (mode & 0o6000) !== 0 && !image.recipe.setuidAllowed.includes(path),
      )
      .map(({ path }) => `${path} runs with the rights of its owner.`),

  'nobody writes outside of memory': (image) =>
    image
      .entries()
      .filter(({ path, mode, uid, kind }) => {
        if (kind === 'link' || mountedOver.some((place) => path === place || path.startsWith(`${place}/`)))
          return false;
        return (
          (mode & 0o002) !== 0 ||
          (uid !== idShift && (mode & 0o200) !== 0 && !path.startsWith('/usr/share/polydev/skel'))
        );
      })
      .map(({ path }) => `${path} can be written by others than root, so a person's data could reach a host disk.`),

  'owners are shifted': (image) =>
    image
      .entries()
      .filter(({ uid, gid }) => uid < idShift || gid < idShift)
      .slice(0, 5)
      .map(({ path }) => `${path} belongs to a user of the host.`),
};
