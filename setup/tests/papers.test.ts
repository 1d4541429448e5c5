/** Keeps the papers true: links lead somewhere, commands exist, lists are whole, examples run. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { glob, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { errorCatalogue } from '@polydev/protocol';
import { projectRoot } from '../paths.ts';

const timeout = 300_000;
const elsewhere = ['**/node_modules/**', 'web/dist/**', 'e2e/out/**', '.cache/**'];

interface Paper {
  path: string;
  text: string;
  /** Without what stands in code blocks. */
  prose: string;
}

const papers: Paper[] = [];
for await (const path of glob('**/*.md', { cwd: projectRoot, exclude: elsewhere })) {
  const text = readText(path);
  papers.push({ path, text, prose: text.replace(/^```[\s\S]*?^```/gm, '') });
}
papers.sort((a, b) => a.path.localeCompare(b.path));

function readText(path: string): string {
  return readFileSync(join(projectRoot, path), 'utf8');
}

function paper(path: string): Paper {
  const found = papers.find((one) => one.path === path);
  assert.ok(found, `${path} is missing`);
  return found;
}

/** First cells of the table rows below a heading. */
function firstCells(text: string): string[] {
  return [...text.matchAll(/^\| `([^`]+)`/gm)].map(([, cell = '']) => cell);
}

test('troubleshooting has an entry for every error code, with its HTTP status, and for no other', () => {
  const { text } = paper('docs/troubleshooting.md');
  const entries = [...text.matchAll(/^### `([a-z_]+)` \((\d{3})\)\n\n(.+)/gm)].map(([, code, status, says]) => ({
    code,
    status: Number(status),
    says,
  }));
  const wanted = Object.entries(errorCatalogue).map(([code, { status }]) => ({ code, status }));
  assert.deepEqual(
    entries.map(({ code, status }) => ({ code, status })),
    wanted,
  );
  assert.equal(entries.length, text.match(/^### /gm)?.length);
});

test('every link within the papers leads to a file, and to a heading of it', () => {
  const broken: string[] = [];
  for (const { path, prose } of papers) {
    for (const [, target = ''] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [file = '', anchor] = target.split('#');
      const wanted = file === '' ? path : normalize(join(dirname(path), file));
      if (!existsSync(join(projectRoot, wanted))) broken.push(`${path} → ${target}`);
      else if (anchor !== undefined && !anchorsOf(readText(wanted)).includes(anchor))
        broken.push(`${path} → ${target} (no such heading)`);
    }
  }
  assert.deepEqual(broken, []);
});

/** As GitHub makes them of headings. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

test('every file and folder of the project that the papers name is there', () => {
  const { workspaces } = JSON.parse(readText('package.json'));
  const named = new RegExp(`^(${[...workspaces, 'docs'].join('|')})/[\\w./-]*$`);
  const missing: string[] = [];
  for (const { path, prose } of papers)
    for (const [, name = ''] of prose.matchAll(/`([^`\n]+)`/g))
      if (named.test(name) && !existsSync(join(projectRoot, name))) missing.push(`${path}: ${name}`);
  assert.deepEqual(missing, []);
});

interface Shown {
  path: string;
  /** `./polydev`, `polydev` or `npm`, and what follows. */
  words: string[];
}

/** Commands of ours in code blocks and between backticks. */
function shownCommands(): Shown[] {
  const found: Shown[] = [];
  for (const { path, text } of papers) {
    const blocks = [...text.matchAll(/^```(?:sh|ini)\n([\s\S]*?)^```/gm)].flatMap(([, block = '']) =>
      block.split('\n'),
    );
    const inline = [...text.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
    for (const line of [...blocks, ...inline]) {
      const command = line.replace(/\s#.*$/, '').split(/[|<>;]/);
      for (const part of command) {
        const [, program, rest = ''] = /^\s*(?:ExecStart=\S+\/)?(\.\/polydev|polydev|npm)(?: (.*))?$/.exec(part) ?? [];
        if (program !== undefined && rest !== '') found.push({ path, words: [program, ...rest.trim().split(/\s+/)] });
      }
    }
  }
  return found;
}

test('every npm script, command and option that the papers show exists', { timeout }, async () => {
  const { scripts } = JSON.parse(readText('package.json'));
  const benches = (await runHere(['npm', 'run', '--silent', 'bench'])).stderr;
  const image = (await runHere(['./polydev', 'image'])).stdout;
  const all = (await runHere(['./polydev', 'help'])).stdout;
  const options: Readonly<Record<string, string>> = {
    up: `${(await runHere(['./polydev', 'up', '--help'])).stdout} --help`,
    doctor: '--json',
  };

  const polydevKnows = ([command = '', word = '', ...rest]: string[]) =>
    new RegExp(`polydev .*\\b${command}\\b`).test(all) &&
    optionsIn([word, ...rest]).every((option) => (options[command] ?? all).includes(option)) &&
    (command !== 'image' || new RegExp(`^ +${word} `, 'm').test(image));
  const npmKnows = ([command = '', ...rest]: string[]): boolean => {
    if (command === 'start') return polydevKnows(['up', ...rest]);
    if (command === 'test') return command in scripts;
    const [script = '', word] = rest.filter((part) => part !== '--');
    if (command !== 'run' || !(script in scripts)) return false;
    if (script === 'bench') return word === undefined || benches.includes(word) || /[A-Z]/.test(word);
    return script !== 'e2e' || existsSync(join(projectRoot, `e2e/${word}.test.ts`));
  };

  const wrong = shownCommands().filter(({ words: [program, ...rest] }) =>
    program === 'npm' ? !npmKnows(rest) : !polydevKnows(rest),
  );
  assert.deepEqual(wrong, []);
});

function optionsIn(words: string[]): string[] {
  return words.filter((word) => /^--[a-z]/.test(word)).map((word) => word.split('=')[0] ?? '');
}

/** Shown in the papers, harmless, quick: command line → what it must say. */
const cheap: Readonly<Record<string, RegExp>> = {
  './polydev help': /polydev run PROVIDER/,
  './polydev doctor': /This host can/,
  './polydev doctor --json': /"findings"/,
  './polydev image list': /^$|^[0-9a-f]{12} {2}/,
  'npm start -- --help': /--data FOLDER/,
};

test('the cheap commands are in the papers and do what they say', {
  timeout,
  skip: process.getuid?.() !== 0 && 'needs root',
}, async () => {
  const shown = new Set(shownCommands().map(({ words }) => words.join(' ')));
  for (const [command, says] of Object.entries(cheap)) {
    assert.ok(shown.has(command), `no paper shows ${command}`);
    const { stdout, stderr } = await runHere(command.split(' '));
    assert.match(stdout, says, stderr);
  }
});

function runHere([program = '', ...args]: string[]): Promise<{ stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(program, args, { cwd: projectRoot, timeout }, (_error, stdout, stderr) => resolve({ stdout, stderr }));
  });
}

test('every environment variable of the controller is in the operations paper', () => {
  const { text } = paper('docs/operations.md');
  const variables = [...readText('controller/config-schema.ts').matchAll(/\benv: '([A-Z_]+)'/g)].map(
    ([, name]) => name,
  );
  assert.ok(variables.length > 5);
  for (const name of variables) assert.ok(text.includes(`\`${name}\``), `${name} is missing`);
});

test('the API paper lists every route, and no other', async () => {
  const routes = new Set<string>();
  for await (const file of glob('controller/http/**/*.ts', { cwd: projectRoot }))
    for (const [, method = '', route = ''] of readText(file).matchAll(
      /\bapp\.(get|post|put|patch|delete)\(\s*'([^']+)'/g,
    ))
      if (route !== '/') routes.add(`${method.toUpperCase()} ${route}`);
  assert.deepEqual(
    firstCells(paper('docs/api.md').text)
      .filter((cell) => / \//.test(cell))
      .sort(),
    [...routes].sort(),
  );
});

test('CONTRIBUTING says why each npm package is there, and names no other', async () => {
  const packages = new Set<string>();
  for await (const file of glob(['package.json', '*/package.json'], { cwd: projectRoot })) {
    const { dependencies, devDependencies, optionalDependencies } = JSON.parse(readText(file));
    for (const name of Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies }))
      if (!name.startsWith('@polydev/')) packages.add(name);
  }
  const [, table = ''] = paper('CONTRIBUTING.md').text.split('## Dependencies');
  const listed = [...table.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
  );
  assert.deepEqual(listed.sort(), [...packages].sort());
});

test('the example of a new provider in CONTRIBUTING works', async (t) => {
  const [, code = ''] = /^```ts\n(\/\*\* Acme[\s\S]*?)^```/m.exec(paper('CONTRIBUTING.md').text) ?? [];
  const folder = await mkdtemp(join(tmpdir(), 'polydev-papers-'));
  t.after(() => rm(folder, { recursive: true }));
  const providers = pathToFileURL(join(projectRoot, 'providers/')).href;
  const file = join(folder, 'acme.ts');
  await writeFile(file, code.replaceAll("from './", `from '${providers}`));
  const { acme } = await import(pathToFileURL(file).href);

  const read = (content: string) => acme.readCredential({ '.acme/token.json': content });
  assert.deepEqual(acme.readCredential({}), { status: 'absent' });
  assert.deepEqual(read('{"refresh'), { status: 'incomplete' });
  assert.deepEqual(read('{"refresh_token":""}'), { status: 'blanked' });
  assert.equal(read('{"refresh_token":"r","email":"a@example.org"}').account.email, 'a@example.org');
  assert.ok(!acme.run({ kind: 'files' }).argv.includes('--model'));

  const parser = acme.createParser();
  const said = ['{"type":"text","text":"Hello"}', 'no JSON', '{"type":"done"}'].flatMap(
    (line) => parser.line(line).events,
  );
  assert.deepEqual(
    said.map(({ type }: { type: string }) => type),
    ['text', 'notice', 'finished'],
  );
});
