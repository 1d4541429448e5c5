/** Programs: each is run, because a file that is there proves nothing. */

import type { CommandResult } from '../host-command.ts';
import { tail } from '../host-command.ts';
import type { Check } from './checks.ts';
import type { Subject } from './subject.ts';

const minNodeMajor = 20;

export const programs: Record<string, Check> = {
  'node runs': async (image) => {
    const result = await image.run(['node', '--version']);
    const major = Number(/^v(\d+)\./.exec(result.stdout)?.[1] ?? 0);
    return major >= minNodeMajor ? [] : [`Node ${minNodeMajor} or newer does not run. ${said(result)}`];
  },

  'claude runs': (image) => printsVersion(image, 'claude', '@anthropic-ai/claude-code'),
  'codex runs': (image) => printsVersion(image, 'codex', '@openai/codex'),
  'gemini runs': (image) => printsVersion(image, 'gemini', '@google/gemini-cli'),

  'tools are compiled': (image) => {
    const folders = image.entries().filter(({ path }) => /^\/opt\/tools\/compile-cache\/v[^/]+-1000$/.test(path));
    return folders.length > 0 ? [] : ['There is no compile cache for the tools, so they would start slowly.'];
  },

  'the X server runs': (image) => runs(image, 'The X server', ['Xtigervnc', '-version'], /^Xvnc TigerVNC/m),
  'the session runs': (image) => runs(image, 'The desktop session', ['xfce4-session', '--help'], /xfce4-session/),
  'the window manager runs': (image) => runs(image, 'The window manager', ['xfwm4', '--version'], /xfwm4/),
  'the terminal runs': (image) => runs(image, 'The terminal', ['xfce4-terminal', '--version'], /xfce4-terminal/),
  'the browser runs': (image) => runs(image, 'The browser', ['firefox-esr', '--version'], /Firefox/),
  'the agent parses': async (image) => {
    const result = await image.run(['node', '--check', '/usr/lib/polydev/agent.mjs']);
    return result.code === 0 ? [] : [`The agent does not parse. ${said(result)}`];
  },

  'video elements load': async (image) => {
    const elements = ['ximagesrc', 'vp8enc', 'x264enc', 'rtpvp8pay', 'rtph264pay'];
    const results = await Promise.all(elements.map((element) => image.run(['gst-inspect-1.0', '--exists', element])));
    return elements.filter((_, n) => results[n]?.code !== 0).map((element) => `GStreamer has no ${element}.`);
  },

  'helpers run': async (image) => {
    const helpers = ['inotifywait', 'nc', 'xdotool', 'wmctrl', 'xprop', 'xrandr', 'xdg-settings', 'dbus-run-session'];
    const results = await Promise.all(helpers.map((name) => runs(image, name, [name, '--help'], /./)));
    return results.flat();
  },
};

async function printsVersion(image: Subject, tool: string, packageName: string): Promise<string[]> {
  const wanted = image.recipe.lock.packages[`node_modules/${packageName}`]?.version ?? 'a version';
  const result = await image.run([tool, '--version']);
  const ok = result.code === 0 && result.stdout.includes(wanted);
  return ok ? [] : [`${tool} does not run as version ${wanted}. ${said(result)}`];
}

async function runs(image: Subject, name: string, argv: string[], expected: RegExp): Promise<string[]> {
  const result = await image.run(argv);
  // 126 and 127: it cannot be started, or a library of it is missing. Some programs call --version a failure.
  const started = result.code !== null && result.code < 126;
  return started && expected.test(`${result.stdout}${result.stderr}`) ? [] : [`${name} does not run. ${said(result)}`];
}

function said(result: CommandResult): string {
  return `It said: ${tail(result, 2) || 'nothing'} (exit ${result.code ?? 'by a signal'}).`;
}
