import assert from 'node:assert/strict';
import { chmodSync, lchownSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { idShift } from '@polydev/protocol';
import { readRecipe } from '../recipe.ts';
import { checks } from '../verify/checks.ts';
import { createSubject } from '../verify/subject.ts';
import { verifyImage } from '../verify/verify.ts';
import { builtImage, spoilable, whyNoImage } from './built-image.ts';

type Spoil = (image: Tools) => void;

interface Tools {
  remove(path: string): void;
  write(path: string, content: string, mode?: number): void;
  link(path: string, to: string): void;
  /** Path on the host. */
  at(path: string): string;
}

const units = '/etc/systemd/system';

/** Check → ways to break what it looks at. */
const breakages: Record<string, Record<string, Spoil>> = {
  'units are enabled': {
    'a unit is not wanted by its target': (image) =>
      image.remove(`${units}/polydev-desktop.target.wants/polydev-x.service`),
    'a unit is gone': (image) => image.remove(`${units}/polydev-session.service`),
  },
  'unit programs are there': {
    'its program is gone': (image) => image.remove('/usr/lib/polydev/x-server'),
    'its program may not be run': (image) => chmodSync(image.at('/usr/lib/polydev/x-server'), 0o644),
  },
  'units come back': {
    'a unit does not restart': (image) =>
      image.write(`${units}/polydev-x.service`, '[Service]\nExecStart=/usr/lib/polydev/x-server\n'),
  },
  'targets are there': { 'a target is gone': (image) => image.remove(`${units}/polydev-headless.target`) },
  'masked units are masked': { 'a unit is not masked': (image) => image.remove(`${units}/apt-daily.timer`) },
  'no serial getty': { 'a getty is not masked': (image) => image.remove(`${units}/serial-getty@.service`) },
  'node runs': {
    'Node is gone': (image) => image.remove('/usr/local/bin/node'),
    'Node is old': (image) => image.write('/usr/local/bin/node', '#!/bin/sh\necho v18.20.0\n', 0o755),
  },
  'claude runs': {
    'only the stub of the package is there': (image) =>
      image.write('/usr/local/bin/claude', '#!/bin/sh\necho native binary not installed >&2\nexit 1\n', 0o755),
  },
  'codex runs': { 'it is gone': (image) => image.remove('/usr/local/bin/codex') },
  'gemini runs': {
    'it is another version': (image) => image.write('/usr/local/bin/gemini', '#!/bin/sh\necho 0.1.0\n', 0o755),
  },
  'tools are compiled': { 'the cache is gone': (image) => image.remove('/opt/tools/compile-cache') },
  'the X server runs': { 'it is gone': (image) => image.remove('/usr/bin/Xtigervnc') },
  'the session runs': { 'it is gone': (image) => image.remove('/usr/bin/xfce4-session') },
  'the window manager runs': { 'it is gone': (image) => image.remove('/usr/bin/xfwm4') },
  'the terminal runs': {
    'a library of it is gone': (image) => image.remove(`/usr/lib/${multiarch()}/libvte-2.91.so.0`),
  },
  'the browser runs': { 'its heart is gone': (image) => image.remove('/usr/lib/firefox-esr/libxul.so') },
  'the agent parses': {
    'it is cut off': (image) => image.write('/usr/lib/polydev/agent.mjs', 'import {'),
    'it is gone': (image) => image.remove('/usr/lib/polydev/agent.mjs'),
  },
  'video elements load': {
    'a plug-in is gone': (image) => image.remove(`/usr/lib/${multiarch()}/gstreamer-1.0/libgstx264.so`),
  },
  'helpers run': { 'one is gone': (image) => image.remove('/usr/bin/inotifywait') },
  'the opener is installed': {
    'it is gone': (image) => image.remove('/usr/lib/polydev/open-url'),
    'xdg-open is the usual one': (image) => image.write('/usr/bin/xdg-open', '#!/bin/sh\n', 0o755),
    'x-www-browser is the browser itself': (image) => image.link('/usr/bin/x-www-browser', '/usr/bin/firefox-esr'),
  },
  'the opener is the default browser': { 'the defaults are gone': (image) => image.remove('/etc/xdg/mimeapps.list') },
  'the environment is set': {
    'it is empty': (image) => image.write('/etc/environment', ''),
    'a proxy is another': (image) => image.write('/etc/environment', 'HTTPS_PROXY=http://elsewhere:3128\n'),
  },
  'the browser goes through the gateway': {
    'there are no policies': (image) => image.remove('/etc/firefox/policies/policies.json'),
    'the person could change it': (image) =>
      image.write('/etc/firefox/policies/policies.json', '{"policies":{"Proxy":{"Mode":"none"}}}'),
  },
  'the desktop starts its programs': {
    'one is not started': (image) => image.remove('/etc/xdg/autostart/polydev-terminal.desktop'),
    'what it starts is gone': (image) => image.remove('/usr/lib/polydev/keep'),
  },
  'the person exists': { 'nobody has uid 1000': (image) => image.write('/etc/passwd', 'root:x:0:0::/root:/bin/sh\n') },
  'no machine identity': {
    'a machine id is baked in': (image) => image.write('/etc/machine-id', 'b08dfa6083e7567a1921a715000001fb\n'),
    'the machine id is missing': (image) => image.remove('/etc/machine-id'),
    'an SSH host key is baked in': (image) => image.write('/etc/ssh/ssh_host_ed25519_key', 'key'),
  },
  'no secrets': {
    'a private key is baked in': (image) =>
      image.write('/root/.ssh/id_ed25519', '-----BEGIN OPENSSH PRIVATE KEY-----\n'),
    'an npm login is baked in': (image) => image.write('/root/.npmrc', '//npm.example/:_authToken=abc\n'),
    'an apt login is baked in': (image) =>
      image.write('/etc/apt/sources.list', 'deb http://me:pass@apt.example x main\n'),
  },
  'no password': {
    'root needs none': (image) => image.write('/etc/shadow', 'root::1:0:99999:7:::\ndev:!:1:0:99999:7:::\n'),
  },
  'no setuid surprises': {
    'a program has the setuid bit': (image) => image.write('/usr/bin/surprise', '', 0o4755),
    'a program has the setgid bit': (image) => image.write('/usr/bin/surprise', '', 0o2755),
  },
  'nobody writes outside of memory': {
    'a folder is open to all': (image) => {
      mkdirSync(image.at('/var/open'));
      chmodSync(image.at('/var/open'), 0o1777);
    },
    'a folder belongs to the person': (image) => {
      mkdirSync(image.at('/var/mine'));
      lchownSync(image.at('/var/mine'), idShift + 1000, idShift + 1000);
    },
  },
  'owners are shifted': {
    "a file belongs to the host's root": (image) => lchownSync(image.at('/etc/hosts'), 0, 0),
  },
};

describe('verify', { skip: whyNoImage() }, () => {
  test('the image in use passes every check', { timeout: 600_000 }, async () => {
    assert.deepEqual(await verifyImage(builtImage().rootfs), []);
  });

  test('every check has a breakage that proves it', () => {
    assert.deepEqual(Object.keys(breakages).sort(), Object.keys(checks).sort());
  });

  for (const [check, ways] of Object.entries(breakages)) {
    for (const [way, spoil] of Object.entries(ways)) {
      test(`"${check}" fails when ${way}`, { timeout: 600_000 }, async (t) => {
        const rootfs = await spoilable(t, builtImage().rootfs);
        const ask = checks[check];
        assert.ok(ask);
        assert.deepEqual(await ask(createSubject(rootfs, readRecipe())), [], 'it holds before');
        spoil(toolsFor(rootfs));
        const [sentence] = await ask(createSubject(rootfs, readRecipe()));
        assert.match(sentence ?? 'nothing was found', /^\S.*\.$/s);
      });
    }
  }
});

function toolsFor(rootfs: string): Tools {
  const at = (path: string) => join(rootfs, path);
  const remove = (path: string) => rmSync(at(path), { recursive: true });
  return {
    at,
    remove,
    write(path, content, mode = 0o644) {
      rmSync(at(path), { force: true });
      mkdirSync(dirname(at(path)), { recursive: true });
      writeFileSync(at(path), content);
      chmodSync(at(path), mode);
    },
    link(path, to) {
      rmSync(at(path), { force: true });
      symlinkSync(to, at(path));
    },
  };
}

function multiarch(): string {
  return process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
}
