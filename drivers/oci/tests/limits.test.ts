import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, statfs } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { run } from '../../exec.ts';
import { readMounts } from '../../mounts.ts';
import { whyNoRealSandbox } from '../../testing/scratch.ts';
import { detectCgroups, groupFolders, groupPath } from '../cgroup-layout.ts';
import { raiseOnHost } from '../file-watchers.ts';
import { imageRootfs, placesOf } from '../places.ts';
import { type LiveSandbox, withTwoSandboxes } from '../testing/sandboxes.ts';

const timeout = 180_000;
/** TMPFS_MAGIC of linux/magic.h. */
const tmpfsType = 0x0102_1994;
const MiB = 1024 * 1024;

describe('a sandbox that takes all it can get hurts only itself:', {
  skip: (await whyNoRealSandbox()) ?? false,
}, () => {
  const pair = withTwoSandboxes();

  test('disk', { timeout }, async () => {
    const { bad, good, place } = pair();
    const filled = await bad.run('sh', '-c', 'dd if=/dev/zero of=/var/fill bs=1M; stat -c %s /var/fill');
    assert.match(filled.stderr, /No space left/);
    const bytes = Number(filled.stdout.trim());
    assert.ok(bytes > 0.7 * bad.spec.limits.diskMiB * MiB && bytes <= bad.spec.limits.diskMiB * MiB, `${bytes} bytes`);
    const { type } = await statfs(join(placesOf(place, bad.id).upper, 'var/fill'));
    assert.equal(type, tmpfsType, 'what it wrote is on no disk of the host');
    await worksAsBefore(good);
    await bad.run('rm', '/var/fill');
  });

  test('inodes', { timeout }, async () => {
    const { bad, good } = pair();
    const { stderr } = await bad.run('sh', '-c', 'mkdir /var/many; cd /var/many; seq 20000 | xargs touch');
    assert.match(stderr, /No space left/);
    await worksAsBefore(good);
    await bad.run('rm', '-r', '/var/many');
  });

  test('home', { timeout }, async () => {
    const { bad, good } = pair();
    const filled = await bad.run('sh', '-c', 'dd if=/dev/zero of=/home/fill bs=1M; stat -c %s /home/fill');
    assert.equal(Number(filled.stdout.trim()), bad.spec.limits.homeMiB * MiB);
    await worksAsBefore(good);
    await bad.run('rm', '/home/fill');
  });

  test('console', { timeout }, async () => {
    const { bad, good, driver } = pair();
    await bad.run('sh', '-c', 'head -c 20000000 /dev/zero | tr "\\0" "x" | fold -w 100 > /dev/console');
    const { folder } = placesOf(pair().place, bad.id);
    const used = (await run(['du', '--summarize', '--bytes', `${folder}/bundle`])).stdout.split('\t')[0];
    assert.ok(Number(used) < 4 * MiB, `${used} bytes`);
    assert.ok((await driver.console(bad.id)).length <= 64 * 1024);
    await worksAsBefore(good);
  });

  test('what serves its console pays from its own share of the processors', { timeout }, async () => {
    const { bad, place } = pair();
    const pid = (await readFile(placesOf(place, bad.id).conmonPidFile, 'utf8')).trim();
    assert.match(await readFile(`/proc/${pid}/cgroup`, 'utf8'), new RegExp(`(cpu[,:]|0::).*/${bad.id}`));
  });

  test('processors: all sandboxes together weigh a quarter of what Polydev does', async () => {
    const { place } = pair();
    const cgroups = detectCgroups(await readMounts());
    const cpu = cgroups?.v1.get('cpu');
    const file = cpu ? 'cpu.shares' : 'cpu.weight';
    const weight = await readFile(join(cpu ?? cgroups?.unified ?? '', groupPath(place.instance), file), 'utf8');
    assert.equal(Number(weight), cpu ? 256 : 25);
  });

  test('processes', { timeout }, async () => {
    const { bad, good } = pair();
    const script =
      'my $n = 0; while (defined(my $p = fork)) { if (!$p) { sleep 60; exit } $n++ } print $n; kill 9, -getpgrp';
    const forks = (await bad.run('setsid', '--wait', 'perl', '-e', `$| = 1; ${script}`)).stdout;
    assert.ok(Number(forks) > 50 && Number(forks) <= bad.spec.limits.processes, `${forks} forks`);
    await worksAsBefore(good);
  });

  test('file watchers', { timeout }, async () => {
    await raiseOnHost(); // as hostd does
    const { bad, good } = pair();
    const inotify = process.arch === 'arm64' ? 26 : 294;
    const script = `my $n = 0; $n++ while syscall(${inotify}, 0) >= 0; print $n`;
    for (const user of ['0', '1000']) {
      const { stdout } = await bad.run('setpriv', `--reuid=${user}`, 'perl', '-e', script);
      assert.ok(Number(stdout) > 200 && Number(stdout) <= 256, `${stdout} of user ${user}`);
    }
    assert.notEqual((await bad.run('sh', '-c', 'echo 9999 > /proc/sys/user/max_inotify_instances')).code, 0);
    await worksAsBefore(good);
  });

  test('memory', { timeout }, async () => {
    const { bad, good } = pair();
    const script = `my @all; push @all, 'x' x ${16 * MiB} for 1 .. ${bad.spec.limits.memoryMiB / 8}; print 'all of it'`;
    const eaten = await bad.run('perl', '-e', script);
    assert.notEqual(eaten.code, 0);
    assert.doesNotMatch(eaten.stdout, /all of it/);
    await worksAsBefore(good);
  });

  test('the kernel holds it to what was asked for', { timeout }, async () => {
    const { memoryMiB, cpus, processes } = pair().bad.spec.limits;
    const read = async (...names: string[]) => {
      const { stdout } = await pair().bad.run(
        'sh',
        '-c',
        `cat ${names.map((name) => `/sys/fs/cgroup/${name}`).join(' ')}`,
      );
      return stdout.trim().split(/\s+/).map(Number);
    };
    const v1Quota = await read('cpu/cpu.cfs_quota_us', 'cpu/cpu.cfs_period_us');
    const [quota = 0, period = 1] = v1Quota.length === 2 ? v1Quota : await read('cpu.max');
    assert.equal(quota / period, cpus);
    assert.deepEqual(await read('memory.max', 'memory/memory.limit_in_bytes'), [memoryMiB * MiB]);
    assert.deepEqual(await read('pids.max', 'pids/pids.max'), [processes]);
  });

  test('control groups: not many nor deep, and those deeper than a path may lead go, too', { timeout }, async () => {
    const { bad, good, driver, place } = pair();
    const cgroups = detectCgroups(await readMounts()) ?? assert.fail();
    const nest = 'my $n = 0; $n++ while $n < 30 && mkdir($name) && chdir($name); print $n';
    const deep = async (root: string) => {
      const { stdout } = await bad.run('perl', '-e', `chdir '${root}' or die; my $name = 'n' x 200; ${nest}`);
      return Number(stdout);
    };
    const own = join(cgroups.unified, groupPath(place.instance, bad.id));
    assert.equal(await readFile(join(own, 'cgroup.max.depth'), 'utf8'), '12\n');
    assert.equal(await readFile(join(own, 'cgroup.max.descendants'), 'utf8'), '1000\n');
    // Version 1 knows no such limit.
    if (cgroups.version === 'v2') assert.equal(await deep('/sys/fs/cgroup'), 12);
    else assert.equal(await deep('/sys/fs/cgroup/systemd'), 30);
    await driver.destroy(bad.id);
    for (const folder of groupFolders(cgroups, groupPath(place.instance, bad.id)))
      assert.ok(!existsSync(folder), folder);
    await worksAsBefore(good);
  });
});

describe('a sandbox that wrote everywhere:', { skip: (await whyNoRealSandbox()) ?? false }, () => {
  const pair = withTwoSandboxes();

  test('nothing of it is in the image or anywhere else on a disk', { timeout }, async () => {
    const { bad, place } = pair();
    const planted = `planted-${'x'.repeat(8)}-secret`;
    for (const file of [
      '/etc/planted',
      '/var/planted',
      '/home/planted',
      '/tmp/planted',
      '/root/planted',
      '/run/planted',
    ])
      assert.equal((await bad.run('sh', '-c', `echo ${planted} > ${file}`)).code, 0, file);
    const found = await run(['grep', '--recursive', '--files-with-matches', planted, place.folder], { allow: [1] });
    assert.equal(found.stdout, '');
    const inImage = await run(['find', imageRootfs(place, place.image), '-name', 'planted']);
    assert.equal(inImage.stdout, '');
    const mounted = (await bad.run('cat', '/proc/mounts')).stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' ')[2] ?? '');
    const onDisk = mounted.filter((type) => !virtual.includes(type));
    assert.deepEqual(onDisk, []);
  });
});

/** The overlay's upper layer is on a tmpfs; `devtmpfs` stands for single device files such as /dev/null. */
const virtual = ['overlay', 'tmpfs', 'devtmpfs', 'proc', 'sysfs', 'devpts', 'mqueue', 'cgroup', 'cgroup2'];

async function worksAsBefore(neighbour: LiveSandbox): Promise<void> {
  const { agent } = neighbour.address;
  await new Promise<void>((resolve, reject) => {
    get({ ...agent, agent: false, timeout: 5_000 }, (answer) => {
      answer.resume();
      resolve();
    }).on('error', reject);
  });
  const { code, stderr } = await neighbour.run('sh', '-c', 'head -c 10000000 /dev/zero > /var/mine && rm /var/mine');
  assert.equal(code, 0, stderr);
}
