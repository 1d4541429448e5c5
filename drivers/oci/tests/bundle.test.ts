import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '@polydev/protocol';
import { configOf, type HostTraits } from '../bundle.ts';

const host: HostTraits = {
  cgroups: { version: 'v2', unified: '/sys/fs/cgroup', v1: new Map() },
  swapControl: true,
  ipv6: true,
  arch: 'x64',
};
const spec = {
  id: newId('sandbox'),
  profile: 'desktop' as const,
  limits: { memoryMiB: 1000, cpus: 1.5, processes: 300, diskMiB: 64, homeMiB: 200 },
};
const config = configOf(spec, '/run/x/rootfs', 'main', host);

test('systemd boots the target of the profile', () => {
  assert.deepEqual(config.process.args, ['/sbin/init', '--unit=polydev-desktop.target']);
  assert.ok(config.process.env.includes('container=oci'));
});

test('limits are what was asked for, and memory includes swap', () => {
  const { memory, cpu, pids } = config.linux.resources;
  assert.deepEqual(memory, { limit: 1000 * 1024 * 1024, swap: 1000 * 1024 * 1024 });
  assert.equal(cpu.quota / cpu.period, 1.5);
  assert.equal(pids.limit, 300);
  const without = configOf(spec, '/', 'main', { ...host, swapControl: false });
  assert.equal(without.linux.resources.memory.swap, undefined);
});

test('every namespace is its own', () => {
  const types = config.linux.namespaces.map(({ type }) => type).sort();
  assert.deepEqual(types, ['cgroup', 'ipc', 'mount', 'network', 'pid', 'user', 'uts']);
});

test('home, tmp and run are tmpfs, home of the size asked for', () => {
  const tmpfs = new Map(config.mounts.filter(({ type }) => type === 'tmpfs').map((each) => [each.destination, each]));
  for (const path of ['/home', '/tmp', '/run']) assert.ok(tmpfs.has(path), path);
  assert.ok(tmpfs.get('/home')?.options.includes('size=200m'));
});

test('the control group is writable in its own namespace, as version 1 and 2 both need it', () => {
  const mount = config.mounts.find(({ destination }) => destination === '/sys/fs/cgroup');
  assert.equal(mount?.type, 'cgroup');
  assert.ok(mount?.options.includes('rw'));
  assert.equal(config.linux.cgroupsPath, `/polydev-main/${spec.id}`);
});

test('no resource limit of a process is set: raising one needs a right that a host may not have', () => {
  assert.equal('rlimits' in config.process, false);
});

test('IPv6 is switched off where the kernel has it', () => {
  assert.equal(config.linux.sysctl['net.ipv6.conf.default.disable_ipv6'], '1');
  const { sysctl } = configOf(spec, '/', 'main', { ...host, ipv6: false }).linux;
  assert.deepEqual(Object.keys(sysctl), ['net.ipv4.tcp_wmem']);
});

test('the default of the system call filter is refusal, and only this machine’s own calls pass', () => {
  const { seccomp } = config.linux;
  assert.equal(seccomp.defaultAction, 'SCMP_ACT_ERRNO');
  assert.deepEqual(seccomp.architectures, ['SCMP_ARCH_X86_64']);
  const always = seccomp.syscalls
    .filter(({ action, args }) => action === 'SCMP_ACT_ALLOW' && !args)
    .flatMap(({ names }) => names);
  assert.equal(new Set(always).size, always.length);
  for (const never of [
    'mount',
    'setns',
    'ptrace',
    'bpf',
    'keyctl',
    'clone',
    'clone3',
    'unshare',
    'socket',
    'io_uring_setup',
  ])
    assert.ok(!always.includes(never), never);
});
