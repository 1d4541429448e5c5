import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectRoot } from '../paths.ts';

test('doctor --json names every finding, and a remedy for each that is not well', async () => {
  const { stdout } = await new Promise<{ stdout: string }>((resolve) => {
    execFile(join(projectRoot, 'polydev'), ['doctor', '--json'], (_error, stdout) => resolve({ stdout }));
  });
  const report = JSON.parse(stdout);
  const names = report.findings.map((finding: { name: string }) => finding.name);
  for (const name of ['control groups', 'user namespaces', 'runc', 'KVM', 'disk', 'memory', 'system packages']) {
    assert.ok(names.includes(name), `${name} is missing`);
  }
  for (const finding of report.findings) assert.ok(finding.ok || finding.remedy, finding.name);
  assert.equal(
    report.ok,
    report.findings.every((finding: { ok: boolean; needed: boolean }) => finding.ok || !finding.needed),
  );
});
