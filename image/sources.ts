/** Which Debian archives the image comes from: the host's own apt sources, or a configured mirror. */

import { readFileSync } from 'node:fs';
import { PolydevError } from '@polydev/protocol';
import { runCommand, tail } from './host-command.ts';

export interface Sources {
  /** Debian's code name, for example `bookworm`. */
  suite: string;
  /** One-line apt entries. */
  lines: string[];
}

const format = '$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)';

export async function hostSources(): Promise<Sources> {
  let targets = await indexTargets();
  if (debianSources(targets).length === 0) {
    // Origins are only known after the lists were fetched once.
    const update = await runCommand(['apt-get', 'update', '-q']);
    if (update.code !== 0) {
      throw new PolydevError('no_network', `apt-get update failed: ${tail(update)}`);
    }
    targets = await indexTargets();
  }
  const lines = debianSources(targets);
  const suite = lines.map((line) => line.split(' ')[2]).find((name) => name !== undefined && !name.includes('-'));
  if (suite === undefined) {
    throw new PolydevError('host_lacks', "This host's apt sources name no Debian archive; configure a mirror.");
  }
  return { suite, lines };
}

/** `mirror` is the address of a Debian archive, such as `http://mirror.example/debian`. */
export function mirrorSources(mirror: string, suite = hostSuite()): Sources {
  if (!/^https?:\/\/[^\s]+$/.test(mirror)) {
    throw new PolydevError('invalid_request', 'The image mirror must be an http or https address.');
  }
  const address = mirror.replace(/\/+$/, '');
  const lines = [`deb ${address} ${suite} main`, `deb ${address} ${suite}-updates main`];
  if (address.endsWith('/debian')) lines.push(`deb ${address}-security ${suite}-security main`);
  return { suite, lines };
}

/** From `ORIGIN|URI|RELEASE|COMPONENT` lines, Debian's own, without backports and what others publish. */
export function debianSources(targets: string): string[] {
  const lines = targets.split('\n').flatMap((target) => {
    const [origin, uri, release, component] = target.trim().split('|');
    if (origin !== 'Debian' || component !== 'main' || !uri || !release || release.includes('backports')) return [];
    return [`deb ${uri} ${release} main`];
  });
  return [...new Set(lines)];
}

async function indexTargets(): Promise<string> {
  const result = await runCommand(['apt-get', 'indextargets', '--format', format, 'Created-By: Packages']);
  if (result.code !== 0) throw new PolydevError('host_lacks', `apt cannot list its sources: ${tail(result)}`);
  return result.stdout;
}

function hostSuite(): string {
  const release = readFileSync('/etc/os-release', 'utf8');
  const isDebian = /^ID=debian$/m.test(release);
  const name = /^VERSION_CODENAME=(\w+)$/m.exec(release)?.[1];
  return isDebian && name !== undefined ? name : 'bookworm';
}
