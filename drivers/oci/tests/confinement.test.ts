import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { idShift } from '@polydev/protocol';
import { whyNoRealSandbox } from '../../testing/scratch.ts';
import { capabilities } from '../bundle.ts';
import { withTwoSandboxes } from '../testing/sandboxes.ts';

const timeout = 120_000;

/** Numbers of calls that must fail with EPERM, on x86-64 and on 64-bit ARM. */
const refusedCalls: Record<string, [x64: number, arm64: number]> = {
  bpf: [321, 280],
  io_uring_setup: [425, 425],
  kexec_load: [246, 104],
  keyctl: [250, 219],
  open_by_handle_at: [304, 265],
  perf_event_open: [298, 241],
  ptrace: [101, 117],
  setns: [308, 268],
  userfaultfd: [323, 282],
};
const clone3 = 435;
const EPERM = 1;
const ENOSYS = 38;

/** As include/uapi/linux/capability.h numbers them. */
const capabilityBits: Record<(typeof capabilities)[number], number> = {
  CAP_CHOWN: 0,
  CAP_DAC_OVERRIDE: 1,
  CAP_FOWNER: 3,
  CAP_FSETID: 4,
  CAP_KILL: 5,
  CAP_SETGID: 6,
  CAP_SETUID: 7,
  CAP_SETPCAP: 8,
};

describe('a sandbox is confined:', { skip: (await whyNoRealSandbox()) ?? false }, () => {
  const pair = withTwoSandboxes();

  test('its root is nobody on the host', { timeout }, async () => {
    const { bad } = pair();
    for (const file of ['/proc/1/uid_map', '/proc/1/gid_map'])
      assert.deepEqual((await bad.run('cat', file)).stdout.trim().split(/\s+/), ['0', String(idShift), '65536']);
  });

  test('system calls are filtered and no program gains rights, for every process', { timeout }, async () => {
    const { stdout } = await pair().bad.run('sh', '-c', 'cat /proc/[0-9]*/status');
    const values = (name: string) =>
      [...stdout.matchAll(new RegExp(`^${name}:\\s*(\\w+)`, 'gm'))].map(([, value]) => value);
    assert.ok(values('Seccomp').length > 3);
    assert.deepEqual(new Set(values('Seccomp')), new Set(['2']));
    assert.deepEqual(new Set(values('NoNewPrivs')), new Set(['1']));
  });

  test('capabilities are bounded by the list in the bundle', { timeout }, async () => {
    const { stdout } = await pair().bad.run('grep', 'CapBnd', '/proc/1/status');
    const mask = capabilities.reduce((sum, name) => sum | (1n << BigInt(capabilityBits[name])), 0n);
    assert.equal(BigInt(`0x${stdout.trim().split(/\s+/)[1]}`), mask);
  });

  test('calls that lead out of it are refused', { timeout }, async () => {
    const { bad } = pair();
    const column = process.arch === 'x64' ? 0 : 1;
    for (const [name, numbers] of Object.entries(refusedCalls)) assert.equal(await errno(numbers[column]), EPERM, name);
    assert.equal(await errno(clone3), ENOSYS, 'clone3');

    async function errno(number: number): Promise<number> {
      const script = `$! = 0; syscall(${number}, 0, 0, 0, 0, 0, 0); print $! + 0`;
      return Number((await bad.run('perl', '-e', script)).stdout);
    }
  });

  test('sockets are for files, the internet and the kernel’s own lists, for nothing else', { timeout }, async () => {
    const families = { AF_UNIX: 1, AF_INET: 2, AF_NETLINK: 16, AF_PACKET: 17, AF_ALG: 38, AF_VSOCK: 40, AF_XDP: 44 };
    const open: string[] = [];
    for (const [name, family] of Object.entries(families)) {
      const type = name === 'AF_NETLINK' ? 3 : 2;
      const { stdout } = await pair().bad.run('perl', '-e', `print socket(my $s, ${family}, ${type}, 0) ? 1 : 0`);
      if (stdout === '1') open.push(name);
    }
    assert.deepEqual(open, ['AF_UNIX', 'AF_INET', 'AF_NETLINK']);
  });

  test('no namespace can be made or entered, nothing mounted, no device made', { timeout }, async () => {
    const { bad } = pair();
    for (const argv of [
      ['unshare', '--user', 'true'],
      ['unshare', '--mount', 'true'],
      ['unshare', '--net', 'true'],
      ['nsenter', '--target', '1', '--mount', 'true'],
      ['mount', '-t', 'tmpfs', 'tmpfs', '/mnt'],
      ['mount', '--bind', '/etc', '/mnt'],
      ['umount', '/proc/kcore'],
      ['mknod', '/tmp/disk', 'b', '8', '0'],
      ['chroot', '/tmp', 'true'],
    ]) {
      const { code, stderr } = await bad.run(...argv);
      assert.notEqual(code, 0, argv.join(' '));
      assert.match(stderr, /not permitted|permission denied|must be superuser/i, argv.join(' '));
    }
  });

  test('what would tell about or steer the host is masked or read-only', { timeout }, async () => {
    const { bad } = pair();
    const { stdout } = await bad.run('sh', '-c', 'cat /proc/kcore /proc/keys; find /sys/firmware -mindepth 1');
    assert.equal(stdout, '');
    for (const file of [
      '/proc/sysrq-trigger',
      '/proc/sys/kernel/core_pattern',
      '/proc/sys/vm/drop_caches',
      '/sys/power/state',
    ]) {
      const { code } = await bad.run('sh', '-c', `echo 1 > ${file}`);
      assert.notEqual(code, 0, file);
    }
    assert.equal((await bad.run('find', '/dev', '-type', 'b')).stdout, '');
  });

  test('it sees no process but its own, and no control group but its own', { timeout }, async () => {
    const { bad, place } = pair();
    const processes = (await bad.run('ps', '-eo', 'args')).stdout;
    assert.match(processes.split('\n')[1] ?? '', /init/);
    assert.doesNotMatch(processes, /conmon|runc |kthreadd/);
    assert.doesNotMatch((await bad.run('cat', '/proc/1/cgroup')).stdout, new RegExp(place.instance));
    assert.doesNotMatch((await bad.run('cat', '/proc/1/mountinfo')).stdout, /polydev-.*\/cgroup/);
  });

  test('it cannot change its own limits', { timeout }, async () => {
    const { bad } = pair();
    const files = (
      await bad.run(
        'sh',
        '-c',
        'cd /sys/fs/cgroup; ls -d $PWD/memory.max $PWD/pids.max $PWD/memory/memory.limit_in_bytes $PWD/pids/pids.max',
      )
    ).stdout
      .trim()
      .split('\n');
    assert.ok(files.length >= 2, 'there are limits to change');
    for (const file of files) {
      const { stderr } = await bad.run('sh', '-c', `echo 999999999 > ${file}`);
      assert.match(stderr, /denied|not permitted|read-only/i, file);
    }
  });

  test('only its root reads the token', { timeout }, async () => {
    const { bad } = pair();
    const read = ['cat', '/etc/polydev/boot.json'];
    assert.deepEqual(JSON.parse((await bad.run(...read)).stdout), { v: 1, token: bad.spec.token });
    const asUser = await bad.run('setpriv', '--reuid=1000', '--regid=1000', '--clear-groups', ...read);
    assert.match(asUser.stderr, /denied/i);
  });
});
