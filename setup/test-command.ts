/** `./polydev test [part of a file name]`: sets up what the tests need, then runs the checks and every test. */

import { spawn } from 'node:child_process';
import { glob, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { prepareHost } from './host.ts';
import { makeDatabase } from './made-database.ts';
import { forbidSkips, projectRoot } from './paths.ts';
import { createProgress } from './progress.ts';
import { hostPackages, testPackages } from './system-packages.ts';
import { startTestPostgres, startTestRedis } from './test-servers.ts';

/** These use the host itself (links, cgroups, images), so one at a time; all others share the cores. */
const oneAtATime = /^(drivers\/oci|hostd|image|setup)/;
/** Beside them, as they leave half of the cores alone: it would take both from others. */
const besideThem = /^web\/tests\/pages-accessibility/;
/** Each has a product or a browser of its own and waits a good deal, for tools that try again: more than there are cores. */
const scenarios = /^(e2e\/|web\/tests\/pages)/;
const scenariosAtATime = 3;
/** More than there are cores, too: of each some wait for a clock. */
const othersAtATime = 3;
const testTimeoutMs = 15 * 60 * 1000;

/** Where everything that tests need was set up, a skip is a failure, but for what no set-up can bring. */
const excused = /KVM|Firecracker|checkout can be read by root only/;

/** What a test imports that works on stores of `controller/store/testing.ts`. */
const opensStore = /(testing\/stage|store\/testing|test-app)\.ts'/;
/** Which stores these run on is part of what they say. */
const bringsStore = /setup\/test-servers'|createTestDatabase/;

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

export async function runTests(args: string[]): Promise<number> {
  const [part = ''] = args;
  const progress = createProgress(process.stderr);
  const packages = { ...hostPackages, ...testPackages };
  await prepareHost({ packages, progress, assumeYes: true });
  await progress.step('A database to copy', makeDatabase);
  const servers = await progress.step('PostgreSQL and Redis', () =>
    Promise.all([startTestPostgres(), startTestRedis()]),
  );
  [process.env.POLYDEV_TEST_DATABASE_URL, process.env.POLYDEV_TEST_REDIS_URL] = servers.map(({ url }) => url);
  try {
    return await runAll(part);
  } finally {
    await Promise.all(servers.map((server) => server.remove()));
  }
}

async function runAll(part: string): Promise<number> {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  if (part === '') for (const check of checks) countOne(counts, await check());

  const files: string[] = [];
  for await (const file of glob('*/**/*.test.ts', { cwd: projectRoot, exclude: ['**/node_modules/**'] }))
    files.push(file);
  const wanted = files.filter((file) => file.includes(part)).sort();
  const alone = wanted.filter((file) => oneAtATime.test(file));
  const beside = wanted.filter((file) => besideThem.test(file));
  // Backwards by name, which puts the long ones first.
  const last = wanted.filter((file) => scenarios.test(file) && !beside.includes(file)).toReversed();
  const others = wanted.filter((file) => ![...alone, ...beside, ...last].includes(file));
  await runFiles(others, othersAtATime, counts);
  await runOnServers(await storeTestsOf(wanted), counts);
  await Promise.all([runFiles(alone, 1, counts), runFiles(beside, 1, counts)]);
  // When something small is broken, that is said first.
  await runFiles(last, scenariosAtATime, counts);

  process.stdout.write(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
  return counts.failed === 0 && counts.passed > 0 ? 0 : 1;
}

async function storeTestsOf(files: string[]): Promise<string[]> {
  const answers = await Promise.all(files.map((file) => isStoreTest(join(projectRoot, file))));
  return files.filter((_, index) => answers[index]);
}

async function isStoreTest(path: string): Promise<boolean> {
  const text = await readFile(path, 'utf8');
  if (bringsStore.test(text)) return false;
  if (opensStore.test(text)) return true;
  // By something that helps several tests.
  const beside = [...text.matchAll(/^(?:import|\}) .*?from '(\.\/[^']+\.ts)';$/gm)].map(([, name = '']) =>
    join(dirname(path), name),
  );
  for (const helper of beside) if (helper.includes('/tests/') && (await isStoreTest(helper))) return true;
  return false;
}

/** Once more, on PostgreSQL and Redis in the place of the embedded database and memory. */
async function runOnServers(files: string[], counts: Counts): Promise<void> {
  if (files.length > 0) process.stdout.write('The same on PostgreSQL and Redis:\n');
  process.env.POLYDEV_TEST_STORES = 'servers';
  await runFiles(files, othersAtATime, counts);
  delete process.env.POLYDEV_TEST_STORES;
}

const checks = [
  () => succeeds('Biome', ['@biomejs/biome/bin/biome', 'check', '.']),
  () => succeeds('Types', ['typescript/bin/tsc', '-p', 'tsconfig.json']),
  () => succeeds('Types of the dashboard', ['typescript/bin/tsc', '-p', 'web/tsconfig.json']),
];

function succeeds(title: string, [tool = '', ...args]: string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(projectRoot, 'node_modules', tool), ...args], {
      cwd: projectRoot,
      stdio: 'inherit',
    });
    child.on('close', (code) => {
      process.stdout.write(`${code === 0 ? '✔' : '✖'} ${title}\n`);
      resolve(code === 0);
    });
  });
}

function countOne(counts: Counts, passed: boolean): void {
  if (passed) counts.passed += 1;
  else counts.failed += 1;
}

function runFiles(files: string[], concurrency: number, counts: Counts): Promise<void> {
  if (files.length === 0) return Promise.resolve();
  const absolute = files.map((file) => join(projectRoot, file));
  // What a test that failed left open must not hold up the others; the embedded database is compiled once, not twice.
  const execArgv = ['--test-force-exit', '--import', join(import.meta.dirname, 'end-of-tests.ts'), '--liftoff-only'];
  const stream = run({ files: absolute, concurrency, timeout: testTimeoutMs, execArgv });
  const isTest = (data: { details: { type?: string } }) => data.details.type !== 'suite';
  const silent = new Set(absolute);
  stream.on('test:summary', ({ file = '' }) => void silent.delete(file));
  stream.on('test:pass', (data) => {
    if (!isTest(data)) return;
    if (data.skip === undefined || data.skip === false) counts.passed += 1;
    else if (forbidSkips && !excused.test(String(data.skip))) counts.failed += 1;
    else counts.skipped += 1;
  });
  stream.on('test:fail', (data) => {
    if (isTest(data)) counts.failed += 1;
  });
  stream.compose(spec).pipe(process.stdout, { end: false });
  return new Promise((resolve) =>
    stream.on('end', () => {
      for (const file of silent) {
        process.stdout.write(`✖ ${file} said nothing of its tests\n`);
        counts.failed += 1;
      }
      resolve();
    }),
  );
}
