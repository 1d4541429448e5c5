import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMounts } from '../../mounts.ts';
import { detectCgroups, groupFolders, groupPath } from '../cgroup-layout.ts';

const v2 = `
24 30 0:22 / /proc rw,nosuid shared:14 - proc proc rw
35 25 0:29 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot
`;
const hybrid = `
30 25 0:26 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755
31 30 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate
32 30 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
33 30 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
34 30 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
`;
const v1 = hybrid.replace(/.*cgroup2.*\n/, '');

test('version 2 is one hierarchy', () => {
  const layout = detectCgroups(parseMounts(v2));
  assert.equal(layout?.version, 'v2');
  assert.deepEqual(groupFolders(layout ?? assert.fail(), groupPath('main', 'sbx_a')), [
    '/sys/fs/cgroup/polydev-main/sbx_a',
  ]);
});

test('hybrid is the unified hierarchy and one for each set of controllers', () => {
  const layout = detectCgroups(parseMounts(hybrid));
  assert.equal(layout?.version, 'hybrid');
  assert.equal(layout?.unified, '/sys/fs/cgroup/unified');
  assert.equal(layout?.v1.get('name=systemd'), '/sys/fs/cgroup/systemd');
  assert.equal(layout?.v1.get('cpu'), layout?.v1.get('cpuacct'));
  assert.deepEqual(groupFolders(layout ?? assert.fail(), groupPath('main')), [
    '/sys/fs/cgroup/unified/polydev-main',
    '/sys/fs/cgroup/systemd/polydev-main',
    '/sys/fs/cgroup/cpu,cpuacct/polydev-main',
    '/sys/fs/cgroup/memory/polydev-main',
  ]);
});

test('version 1 alone, or nothing, is not enough', () => {
  assert.equal(detectCgroups(parseMounts(v1)), undefined);
  assert.equal(detectCgroups([]), undefined);
});

test('a part of a hierarchy, as a container sees it, is not taken for the hierarchy', () => {
  const part = v2.replace('0:29 / ', '0:29 /docker/abc ');
  assert.equal(detectCgroups(parseMounts(part)), undefined);
});

test('targets with spaces are read as they are', () => {
  const [mount] = parseMounts('1 2 0:1 / /mnt/my\\040disk rw - tmpfs none rw');
  assert.equal(mount?.target, '/mnt/my disk');
});
