import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from './limits.ts';

test('limits that depend on each other stand in order', () => {
  const ascending: (keyof typeof limits)[][] = [
    ['runKillGraceMs', 'agentRequestMs', 'sandboxBootMs', 'signInDefaultMs', 'signInHardMs', 'loginTtlMs'],
    ['proofMs', 'signInDefaultMs'],
    ['ticketTtlMs', 'signInWarnMs', 'signInIdleMs', 'signInDefaultMs', 'signInHardMs'],
    ['runDefaultMs', 'runMaxMs'],
    ['journalTailBytes', 'pictureBytes', 'keptLogsBytes'],
    ['wakeMs', 'agentRequestMs', 'hostAwayMs', 'sandboxBootMs'],
    ['hostAwayMs', 'lineMs', 'takeOverMs'],
    ['lineMs', 'signInIdleMs'],
    ['runKillGraceMs', 'drainMs', 'stopMs', 'controllerTtlMs', 'takeOverMs', 'signInDefaultMs'],
    ['leaseSettleMs', 'controllerTtlMs', 'leaseMs', 'signInDefaultMs'],
    ['runKillGraceMs', 'runGiveUpMs', 'agentRequestMs'],
    ['hostAnswerMs', 'sandboxBootMs', 'hostCreateMs'],
    ['sandboxBootMs', 'waitingMs'],
    ['signInHardMs', 'signInHardestMs', 'loginTtlMs'],
    ['streamHeartbeatMs', 'streamSilenceMs', 'changesMs'],
    ['runDefaultMs', 'egressIdleMs'],
    ['signInIdleMs', 'egressIdleMs'],
    ['stopWriteBackMs', 'drainMs'],
    ['stopWriteBackMs', 'writeBackMs', 'sandboxBootMs'],
    ['stopShortMs', 'stopMs', 'stopKillMs', 'controllerTtlMs', 'stopForGoodMs'],
    ['lastLookMs', 'hostAwayMs'],
    ['viewerStallMs', 'streamSilenceMs'],
    ['signInWarnMs', 'signInExtendMs', 'signInHardMs'],
    ['runMaxMs', 'setupLinkMs', 'keptLogsMs'],
    ['credentialBytes', 'promptChars', 'runLineBytes', 'runOutputBytes'],
  ];
  for (const names of ascending) {
    for (const [index, name] of names.entries()) {
      const next = names[index + 1];
      if (next) assert.ok(limits[name] < limits[next], `${name} must be less than ${next}`);
    }
  }
  const compared = new Set(ascending.flat());
  const times = Object.keys(limits).filter((name) => name.endsWith('Ms'));
  assert.deepEqual(
    times.filter((name) => !compared.has(name as keyof typeof limits)),
    [],
    'each time stands somewhere',
  );
  // One after the other: within the controller; then it, the stand-ins of a demo and the host service.
  assert.ok(limits.drainMs + limits.stopWriteBackMs + limits.lastLookMs < limits.stopMs);
  assert.ok(limits.stopKillMs + 2 * limits.stopShortMs <= 10_000);
  // A warning that is taken back must have been able to be one again.
  assert.ok(2 * limits.signInWarnMs <= limits.signInIdleMs);
});
