import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from '../../exec.ts';
import { findProgram } from '../../oci/host.ts';
import { addMember, getMember, removeMember, tableText } from '../ruleset.ts';

const gateway = { host: '100.127.255.1', port: 3128 };
const members = [
  { link: 'pdvabcdefghjkmn', address: '100.127.252.1' },
  { link: 'pdvabczzzzzzzzz', address: '100.127.252.2' },
];
const skip = process.getuid?.() === 0 && (await findProgram('nft')) ? false : 'needs root and nft';

test('the table is replaced as a whole, with everybody who is there', () => {
  const text = tableText('main', gateway, members);
  assert.match(text, /^add table inet polydev_main\ndelete table inet polydev_main\ntable inet polydev_main \{/);
  assert.match(text, /elements = \{ "pdvabcdefghjkmn" \. 100\.127\.252\.1, "pdvabczzzzzzzzz" \. 100\.127\.252\.2 \}/);
  assert.doesNotMatch(tableText('main', gateway, []), /elements/);
});

test('the last word about what comes from a sandbox is drop', () => {
  const [, chain = ''] = /chain from_sandbox \{([^}]*)\}/.exec(tableText('main', gateway, members)) ?? [];
  const rules = chain.trim().split('\n');
  assert.equal(rules.at(-1)?.trim(), 'drop');
  for (const rule of rules.slice(0, -1)) {
    assert.match(rule, /iifname \. ip saddr @sandboxes ip daddr 100\.127\.255\.1 /);
    assert.match(rule, /tcp dport 3128 accept|ct state established ct direction reply accept/);
  }
});

test('nft takes all of it', { skip, timeout: 10_000 }, async () => {
  const [first = assert.fail()] = members;
  const whole = tableText('rulesettest', gateway, members);
  const input = `${whole}${removeMember('rulesettest', first)}\n${addMember('rulesettest', first)}\n`;
  await run(['nft', '--check', '-f', '-'], { input });
  const unknown = await run(['nft', getMember('rulesettest', first)], { allow: [1] });
  assert.equal(unknown.code, 1);
});
