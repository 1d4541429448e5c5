/** A desktop that nobody touches: a page that is open and a viewer do not keep it, a key does, and a word in the terminal. */

import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { SessionEvent } from '@polydev/protocol';
import { enter, openDesktop } from './desktop-sign-in.ts';
import { assertReason, openStage, type Stage } from './stage.ts';

const idleMs = 60_000;
const isRoot = process.getuid?.() === 0;
const is = (type: SessionEvent['type']) => (event: SessionEvent) => event.type === type;

/** Fits the last of these, once each of them came after the one before. */
function inOrder(...all: ((event: SessionEvent) => boolean)[]): (event: SessionEvent) => boolean {
  const left = [...all];
  return (event) => {
    if (left[0]?.(event)) left.shift();
    return left.length === 0;
  };
}

suite('a desktop that nobody touches', { skip: !isRoot && 'needs root', timeout: 30 * 60_000 }, () => {
  let stage: Stage;
  before(async () => {
    stage = await openStage({ config: { signIn: { defaultMs: 600_000, idleMs } } });
  });
  after(() => stage.strike());

  test('is warned with a page open and a viewer at it, kept by a key, then by what is printed, and then over', async () => {
    const { sessionId, keyboard } = await openDesktop(stage, 'claude_code');
    // When it prints, the key before it has long been forgotten.
    enter(keyboard, `(sleep ${(1.3 * idleMs) / 1000}; echo done) & xdg-open https://claude.com/idle`);
    const opened = (event: SessionEvent) => event.type === 'opened' && event.page.endsWith('/idle');
    await stage.sessionEvent(sessionId, inOrder(opened, is('idle')));
    keyboard.press('Enter');
    await stage.sessionEvent(sessionId, inOrder(opened, is('idle'), is('active')));
    await stage.sessionEvent(sessionId, inOrder(opened, is('idle'), is('active'), is('idle'), is('active')));
    const ended = await stage.ended(sessionId, AbortSignal.timeout(4 * idleMs));
    assert.equal(ended.state, 'expired');
    assertReason(ended, 'sign_in_timeout', /Nothing happened for 60 seconds/);
    keyboard.close();
  });
});
