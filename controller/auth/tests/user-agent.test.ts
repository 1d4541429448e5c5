import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shortAgent } from '../user-agent.ts';

const cases: Record<string, string> = {
  'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0': 'Firefox on Linux',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0':
    'Edge on Windows',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36':
    'Chrome on Mac',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15':
    'Safari on Mac',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1':
    'Safari on iPhone',
  'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36':
    'Chrome on Android',
  'curl/8.14.1': 'curl',
  '<b>': '',
};

for (const [userAgent, short] of Object.entries(cases)) {
  test(`${userAgent.slice(0, 60)}… is ${short || 'nothing'}`, () => assert.equal(shortAgent(userAgent), short));
}

test('no user agent is no words, a long one is cut', () => {
  assert.equal(shortAgent(undefined), '');
  assert.equal(shortAgent('x'.repeat(1000)).length, 40);
});
