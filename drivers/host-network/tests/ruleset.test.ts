import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from '../../exec.ts';
import { findProgram } from '../../oci/host.ts';
import { addMember, getMember, removeMember, tableText } from '../ruleset.ts';

const main = { instance: 'main', gateway: { host: '100.127.255.1', port: 3128 }, callers: 995 };
const members = [
  { link: 'pdvabcdefghjkmn', address: '100.127.252.1' },
  { link: 'pdvabczzzzzzzzz', address: '100.127.252.2' },
];
const skip = process.getuid?.() === 0 && (await findProgram('nft')) ? false : 'needs root and nft';

test('the table is replaced as a whole, with everybody who is there', () => {
  const text = tableText(main, members);
  assert.match(text, /^add table inet polydev_main\ndelete table inet polydev_main\ntable inet polydev_main \{/);
  assert.match(text, /elements = \{ "pdvabcdefghjkmn" \. 100\.127\.252\.1, "pdvabczzzzzzzzz" \. 100\.127\.252\.2 \}/);
  assert.doesNotMatch(tableText(main, []), /elements/);
});

test('the last word about what comes from a sandbox is drop', () => {
  const [, chain = ''] = /chain from_sandbox \{([^}]*)\}/.exec(tableText(main, members)) ?? [];
  const rules = chain.trim().split('\n');
  assert.equal(rules.at(-1)?.trim(), 'drop');
  for (const rule of rules.slice(0, -1)) {
    assert.match(rule, /iifname \. ip saddr @sandboxes ip daddr 100\.127\.255\.1 /);
    assert.match(rule, /tcp dport 3128 accept|ct state established ct direction reply accept/);
  }
});

test('only root and the group that was named may call a sandbox', () => {
  const rules = (callers: number | undefined) =>
    /chain to_sandbox \{([^}]*)\}/.exec(tableText({ ...main, callers }, members))?.[1]?.match(/\S.*/g);
  const last = ['meta l4proto tcp reject with tcp reset', 'drop'];
  assert.deepEqual(rules(undefined), ['ct state established accept', 'meta skuid 0 accept', ...last]);
  assert.deepEqual(rules(7), ['ct state established accept', 'meta skuid 0 accept', 'meta skgid 7 accept', ...last]);
});

test('nft takes all of it', { skip, timeout: 10_000 }, async () => {
  const [first = assert.fail()] = members;
  const whole = tableText({ ...main, instance: 'rulesettest' }, members);
  const input = `${whole}${removeMember('rulesettest', first)}\n${addMember('rulesettest', first)}\n`;
  await run(['nft', '--check', '-f', '-'], { input });
  const unknown = await run(['nft', getMember('rulesettest', first)], { allow: [1] });
  assert.equal(unknown.code, 1);
});
