/** The examples of docs/api.md do what they say, as they stand, on a running product. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { createPolydev } from '@polydev/sdk';
import { projectRoot } from '../setup/paths.ts';
import { setUpOwner } from './owner.ts';
import { openWorld, type World } from './world.ts';

const isRoot = process.getuid?.() === 0;
const written = 'http://127.0.0.1:4000';
const paper = readFileSync(join(projectRoot, 'docs/api.md'), 'utf8');

suite('the examples of docs/api.md', { skip: !isRoot && 'needs root', timeout: 30 * 60_000 }, () => {
  const home = mkdtempSync(join(tmpdir(), 'polydev-papers-'));
  let world: World;
  let token: string;

  before(async () => {
    world = await openWorld();
    token = await setUpOwner(world.product);
    const polydev = createPolydev({ baseUrl: world.product.url, token });
    for (const provider of ['claude_code', 'openai_codex'] as const) {
      const [apiKey = ''] = world.doubles.state.apiKeys[provider];
      await polydev.credentials.addApiKey({ provider, apiKey });
    }
  });
  after(async () => {
    await world.close();
    world.product.remove();
    rmSync(home, { recursive: true });
  });

  /** The first code block after a heading, with this product in place of the one that is written there. */
  function exampleOf(heading: string, language: string): string {
    const text = paper.slice(paper.indexOf(`\n## ${heading}\n`));
    const [, code] = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'm').exec(text) ?? [];
    if (!code?.includes(written)) throw new Error(`${heading} has no example.`);
    return code.replaceAll(written, world.product.url);
  }

  function run(program: string, args: string[], input = ''): Promise<string> {
    return new Promise((resolve, reject) => {
      const env = { ...process.env, HOME: home, XDG_CONFIG_HOME: home, TOKEN: token };
      const child = execFile(program, args, { cwd: projectRoot, env, timeout: 300_000 }, (error, stdout, stderr) => {
        if (error) reject(new Error(`${args.join(' ')}: ${error.message}\n${stdout}${stderr}`));
        else resolve(stdout);
      });
      child.stdin?.end(input);
    });
  }
  const shell = (line: string, input?: string) => run('bash', ['-o', 'pipefail', '-c', line], input);
  const linesOf = (code: string) =>
    code
      .trim()
      .replace(/\\\n\s*/g, '')
      .split('\n');

  test('three requests: who I am, a run, and what it says', async () => {
    const [setToken = '', me = '', start = '', events = ''] = linesOf(exampleOf('In three requests', 'sh'));
    assert.match(setToken, /^export TOKEN=pd_/);
    assert.equal(JSON.parse(await shell(me)).name, 'Ada');
    const { id } = JSON.parse(await shell(start));
    const said = await shell(events.replace('run_the-id-it-gave', id));
    assert.match(said, /"state":"succeeded"/);
    assert.match(said, /EADDRINUSE/);
  });

  test('from TypeScript: the answer comes piece by piece', async () => {
    const said = await run(process.execPath, ['--input-type=module', '-e', exampleOf('From TypeScript', 'ts')]);
    assert.match(said, /EADDRINUSE/);
  });

  test('from a shell: login, a run, a run with its input piped in, help', async () => {
    const [login = '', ask = '', pipe = '', help = ''] = linesOf(exampleOf('From a shell', 'sh'));
    await shell(login, token);
    assert.match(await shell(ask), /EADDRINUSE/);
    // There may be no difference to speak of.
    const events = (await shell(pipe.replace('git diff', 'git log -1'))).trim().split('\n');
    assert.ok(events.every((line) => typeof JSON.parse(line) === 'object'));
    assert.match(await shell(help), /polydev run/);
  });
});
