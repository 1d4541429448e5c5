/** Settings: the opener everywhere it is looked for, the browser's policies, the environment, the fixed places. */

import type { Check } from './checks.ts';
import { isProgram } from './units.ts';

const opener = '/usr/lib/polydev/open-url';
const autostarted = ['terminal', 'browser', 'panel', 'wallpaper'];

const environment: Record<string, string> = {
  HTTPS_PROXY: 'http://127.0.0.1:3128',
  https_proxy: 'http://127.0.0.1:3128',
  NODE_EXTRA_CA_CERTS: '/run/polydev/ca.pem',
  SSL_CERT_FILE: '/run/polydev/ca.pem',
  CODEX_CA_CERTIFICATE: '/run/polydev/ca.pem',
  BROWSER: opener,
};

export const settings: Record<string, Check> = {
  'the opener is installed': (image) =>
    [opener, '/usr/bin/xdg-open', '/usr/bin/x-www-browser']
      .filter((path) => image.follow(path) !== opener || !isProgram(image, path))
      .map((path) => `${path} does not lead to the opener.`),

  'the opener is the default browser': (image) => {
    const defaults = image.read('/etc/xdg/mimeapps.list') ?? '';
    const ok = ['http', 'https'].every((scheme) =>
      defaults.includes(`x-scheme-handler/${scheme}=polydev-browser.desktop`),
    );
    return ok && image.read('/usr/share/applications/polydev-browser.desktop')?.includes(opener)
      ? []
      : ['Web addresses do not open with the opener.'];
  },

  'the environment is set': (image) => {
    const lines = image.read('/etc/environment')?.split('\n') ?? [];
    return Object.entries(environment)
      .filter(([name, value]) => !lines.includes(`${name}=${value}`))
      .map(([name]) => `/etc/environment does not set ${name} as it must.`);
  },

  'the browser goes through the gateway': (image) => {
    const text = image.read('/etc/firefox/policies/policies.json') ?? '{}';
    const proxy = JSON.parse(text).policies?.Proxy;
    const ok = proxy?.Mode === 'manual' && proxy?.HTTPProxy === '127.0.0.1:3128' && proxy?.Locked === true;
    return ok ? [] : ["The browser's policies do not send it through the gateway."];
  },

  'the desktop starts its programs': (image) =>
    autostarted.flatMap((name) => {
      const entry = image.read(`/etc/xdg/autostart/polydev-${name}.desktop`) ?? '';
      const words = /^Exec=(.*)$/m.exec(entry)?.[1]?.split(' ') ?? [];
      const missing = words.filter((word) => word.startsWith('/') && !isProgram(image, word));
      if (words.length === 0) return [`The ${name} is not started with the session.`];
      return missing.map((path) => `The ${name} needs ${path}, which is missing.`);
    }),

  'the person exists': (image) =>
    /^dev:x:1000:1000:[^:]*:\/home\/dev:\/bin\/bash$/m.test(image.read('/etc/passwd') ?? '')
      ? []
      : ['The user dev with uid 1000 is missing.'],
};
