/** `./polydev test [part of a file name]`: sets up what the tests need, then runs the checks and every test. */

import { spawn } from 'node:child_process';
import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { prepareHost } from './host.ts';
import { makeDatabase } from './made-database.ts';
import { makeRelease } from './made-release.ts';
import { forbidSkips, projectRoot } from './paths.ts';
import { createProgress } from './progress.ts';
import { storeTestsOf } from './store-tests.ts';
import { hostPackages, testPackages } from './system-packages.ts';
import { startTestPostgres, startTestRedis } from './test-servers.ts';

const kinds = [
  /** These use the host itself (links, cgroups, images), so one at a time. */
  ['host', /^(drivers\/oci|hostd|image|setup)/],
  /**
   * In a browser of this machine; not beside what makes sandboxes: with each, the machine's network changes, and Chromium
   * breaks off what is on its way.
   */
  ['pages', /^web\/tests\/pages/],
  /** Each has a product of its own. */
  ['scenarios', /^e2e\//],
  ['others', /./],
] as const;
/** More than there are cores: of each some wait, for a clock or for tools that try again. */
const atATime = 3;
const testTimeoutMs = 45 * 60 * 1000;

/** Where everything that tests need was set up, a skip is a failure, but for what no set-up can bring. */
const excused = /KVM|Firecracker|checkout can be read by root only/;

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
  // Hundreds of processes read the same modules.
  process.env.NODE_COMPILE_CACHE ??= join(projectRoot, 'node_modules/.cache/polydev-test-modules');
  await progress.step('A database to copy', makeDatabase);
  await progress.step('A release to link', makeRelease);
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
  const kindOf = (file: string) => kinds.find(([, names]) => names.test(file))?.[0] ?? 'others';
  const { host = [], pages = [], scenarios = [], others = [] } = Object.groupBy(wanted, kindOf);
  // When something small is broken, that is said first.
  await runFiles(others, atATime, counts);
  // The host's tests leave more than half of the cores alone.
  await Promise.all([runFiles(host, 1, counts), runOnServers(await storeTestsOf(others), counts)]);
  await runFiles(pages, atATime, counts);
  // Backwards by name, which puts the long ones first.
  await runFiles(scenarios.toReversed(), atATime, counts);

  process.stdout.write(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
  return counts.failed === 0 && counts.passed > 0 ? 0 : 1;
}

/** Once more, on PostgreSQL and Redis in the place of the embedded database and memory. */
async function runOnServers(files: string[], counts: Counts): Promise<void> {
  if (files.length > 0) process.stdout.write('The same on PostgreSQL and Redis:\n');
  process.env.POLYDEV_TEST_STORES = 'servers';
  await runFiles(files, 1, counts);
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
