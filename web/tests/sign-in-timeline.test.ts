import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SequencedEvent, SessionEvent, SessionState } from '@polydev/protocol';
import { currentStep, timelineOf } from '../src/app/sign-in/timeline.ts';

const createdAtMs = 1_000_000;

/** Events at seconds after the start. */
function events(...items: [number, SessionEvent][]): SequencedEvent<SessionEvent>[] {
  return items.map(([seconds, event], index) => ({ seq: index + 1, atMs: createdAtMs + seconds * 1000, event }));
}
const state = (name: SessionState, message?: string): SessionEvent => ({
  type: 'state',
  state: name,
  reason: message === undefined ? null : { code: 'proof_failed', message, hint: '' },
});
const opened: SessionEvent = { type: 'opened', page: 'https://claude.com/cai/oauth/authorize' };
const read = (...items: [number, SessionEvent][]) => timelineOf(events(...items), createdAtMs);
const summary = (...items: [number, SessionEvent][]) =>
  read(...items)
    .steps.map(({ name, state }) => `${name} ${state}`)
    .join(', ');

test('before anything happened, the machine is awaited', () => {
  assert.equal(
    summary(),
    'machine active, command waiting, page waiting, credential waiting, sealed waiting, proof waiting, destroyed waiting',
  );
});

test('a sign-in that goes well ticks step by step, with times', () => {
  const items: [number, SessionEvent][] = [
    [0, state('pending')],
    [0.1, state('starting')],
    [0.5, { type: 'desktop', part: 'display', up: true }],
    [0.6, state('ready')],
    [12, opened],
    [12, state('signing_in')],
    [40, { type: 'credential_found' }],
    [40.1, { type: 'sealed', tookMs: 300 }],
    [40.1, state('captured')],
    [40.2, state('verifying')],
  ];
  assert.equal(
    summary(...items),
    'machine done, command done, page done, credential done, sealed done, proof active, destroyed waiting',
  );
  const whole = read(
    ...items,
    [44, { type: 'proof', text: 'OK' }],
    [44, state('connected')],
    [44.5, { type: 'destroyed' }],
  );
  assert.equal(
    whole.steps.every((step) => step.state === 'done'),
    true,
  );
  assert.deepEqual(
    whole.steps.map(({ tookMs }) => tookMs),
    [600, 11_400, null, 28_000, 300, 3900, 500],
  );
  assert.equal(currentStep(whole), null);
  assert.equal(whole.stages.find(({ name }) => name === 'Screen on')?.afterMs, 500);
});

test('a failure is shown at the step that it stopped', () => {
  const timeline = read([1, state('ready')], [300, state('expired', 'Nobody signed in in time.')]);
  assert.equal(currentStep(timeline)?.name, 'command');
  assert.equal(currentStep(timeline)?.state, 'failed');
  assert.equal(timeline.reason?.message, 'Nobody signed in in time.');
});

test('who cancels has not failed at a step', () => {
  const timeline = read([1, state('ready')], [4, state('cancelled')]);
  assert.equal(currentStep(timeline)?.name, 'destroyed');
  assert.ok(timeline.steps.every((step) => step.state !== 'failed'));
});

test('steps that the way led past are not shown as done', () => {
  assert.equal(
    summary(
      [1, state('ready')],
      [9, { type: 'credential_found' }],
      [9, { type: 'sealed', tookMs: 1 }],
      [9, state('connected')],
    ),
    'machine done, command skipped, page skipped, credential done, sealed done, proof skipped, destroyed active',
  );
});

test('a warning that nothing happens stands until something does', () => {
  const idle: SessionEvent = { type: 'idle', expiresAtMs: createdAtMs + 240_000 };
  assert.equal(read([1, state('ready')]).idleExpiresAtMs, null);
  assert.equal(read([1, state('ready')], [180, idle]).idleExpiresAtMs, createdAtMs + 240_000);
  assert.equal(read([1, state('ready')], [180, idle], [190, { type: 'active' }]).idleExpiresAtMs, null);
});

test('a proof that fails leads back to the page', () => {
  assert.equal(
    summary(
      [1, state('ready')],
      [5, opened],
      [5, state('signing_in')],
      [9, { type: 'credential_found' }],
      [9, { type: 'sealed', tookMs: 1 }],
      [9, state('captured')],
      [9, state('verifying')],
      [12, state('signing_in')],
    ),
    'machine done, command done, page done, credential active, sealed waiting, proof waiting, destroyed waiting',
  );
});
