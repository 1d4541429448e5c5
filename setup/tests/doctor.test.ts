import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { cgroupVersion } from '../doctor.ts';
import { projectRoot } from '../paths.ts';

test('the cgroup version is read from the mounts', () => {
  const v2 = 'cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n';
  const v1 = 'tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n';
  const hybrid = `${v1}cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n`;
  assert.equal(cgroupVersion(v2), 'version 2');
  assert.equal(cgroupVersion(v1), 'version 1');
  assert.equal(cgroupVersion(hybrid), 'version 1, hybrid');
  assert.equal(cgroupVersion('proc /proc proc rw 0 0\n'), 'none');
});

test('doctor --json names every finding, and a remedy for each that is not well', async () => {
  const { stdout } = await new Promise<{ stdout: string }>((resolve) => {
    execFile(join(projectRoot, 'polydev'), ['doctor', '--json'], (_error, stdout) => resolve({ stdout }));
  });
  const report = JSON.parse(stdout);
  const names = report.findings.map((finding: { name: string }) => finding.name);
  for (const name of ['control groups', 'user namespaces', 'KVM', 'disk', 'memory', 'system packages']) {
    assert.ok(names.includes(name), `${name} is missing`);
  }
  for (const finding of report.findings) assert.ok(finding.ok || finding.remedy, finding.name);
  assert.equal(
    report.ok,
    report.findings.every((finding: { ok: boolean; needed: boolean }) => finding.ok || !finding.needed),
  );
});
