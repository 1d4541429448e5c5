/** The commands of docs/operations.md for a backup, the way back, and the move to another host do what they say. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { startDoubles } from '@polydev/doubles';
import { createPolydev } from '@polydev/sdk';
import { projectRoot } from '../setup/paths.ts';
import { setUpOwner } from './owner.ts';
import { type Product, startAgain, startProduct } from './product.ts';

const isRoot = process.getuid?.() === 0;
const paper = readFileSync(join(projectRoot, 'docs/operations.md'), 'utf8');

/** The commands of each block of a chapter. */
function blocksOf(heading: string): string[][] {
  const [chapter = ''] = paper.slice(paper.indexOf(`\n## ${heading}\n`) + 1).split(/\n## /);
  return [...chapter.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, code = '']) => code.trim().split('\n'));
}

suite('what is kept can be brought back', { skip: !isRoot && 'needs root', timeout: 30 * 60_000 }, () => {
  const elsewhere = mkdtempSync(join(tmpdir(), 'polydev-backup-'));
  let doubles: Awaited<ReturnType<typeof startDoubles>>;
  let token: string;
  let old: Product;
  let other: Product;
  const hosts: Product[] = [];

  async function newHost(): Promise<Product> {
    const routes = Object.fromEntries(doubles.hosts.map((host) => [host, `127.0.0.1:${doubles.port}`]));
    const product = await startProduct({ config: { egress: { routes } }, extraCaPem: doubles.caPem });
    hosts.push(product);
    return product;
  }

  /** As they stand, but for where the data is; starting and stopping is a test's own. */
  function give(commands: readonly string[], { paths }: Product): void {
    for (const command of commands.filter((line) => !line.startsWith('systemctl ')))
      execFileSync('bash', ['-c', command.replaceAll('/var/lib/polydev', paths.home)], { cwd: elsewhere });
  }

  /** On the other host, which is started for it. */
  async function isAllThere(): Promise<void> {
    const { url, stop } = await startAgain(other.scratch);
    const polydev = createPolydev({ baseUrl: url, token });
    assert.equal((await polydev.me()).name, 'Ada');
    const { id } = await polydev.runs.start({ provider: 'claude_code', prompt: 'Please say exactly medlar' });
    for await (const _ of polydev.runs.stream(id));
    assert.equal((await polydev.runs.get(id)).answer.trim(), 'medlar');
    assert.equal(await stop(), 0);
  }

  before(async () => {
    mkdirSync(join(elsewhere, 'somewhere-else'));
    doubles = await startDoubles({});
    old = await newHost();
    token = await setUpOwner(old);
    const [apiKey = ''] = doubles.state.apiKeys.claude_code;
    await createPolydev({ baseUrl: old.url, token }).credentials.addApiKey({ provider: 'claude_code', apiKey });
    assert.equal(await old.stop(), 0);
    other = await newHost();
    assert.equal(await other.stop(), 0);
  });
  after(async () => {
    for (const host of hosts) host.remove();
    await doubles.close();
    rmSync(elsewhere, { recursive: true });
  });

  test('a backup, on another host', async () => {
    const [backUp = [], restore = []] = blocksOf('Backup');
    give(backUp, old);
    give(restore, other);
    await isAllThere();
  });

  test('the folder itself, on another host', async () => {
    const [giveToUser = []] = blocksOf('Moving to another host');
    rmSync(other.paths.controller, { recursive: true });
    execFileSync('cp', ['-r', old.paths.controller, other.paths.controller]);
    give(giveToUser, other);
    await isAllThere();
  });
});
