import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentJournal, limits } from '@polydev/protocol';
import { Value } from 'typebox/value';
import { type ScratchAgent, startScratchAgent, writeProgram } from './scratch-agent.ts';

const options = { timeout: 60_000 };

/** One that a busy machine does not read in time is asked for again. */
async function journalOf(agent: ScratchAgent): Promise<string> {
  for (let tries = 1; ; tries += 1) {
    const answer = await agent.call('GET', '/journal');
    if (answer.status === 503 && tries < 10) continue;
    assert.equal(answer.status, 200);
    return Value.Parse(AgentJournal, await answer.json()).text;
  }
}

test('the journal is plain text, before the claim as well', options, async (t) => {
  const agent = await startScratchAgent(t);
  writeProgram(agent.folder, 'journalctl', '#!/bin/sh\necho "polydev-x.service: Main process exited" "$@"\n');
  const text = await journalOf(agent);
  assert.match(text, /^polydev-x\.service: Main process exited .*--lines=\d+\n$/);
});

test('of a long journal come the newest whole lines, no more than the limit', options, async (t) => {
  const agent = await startScratchAgent(t);
  writeProgram(agent.folder, 'journalctl', "#!/bin/sh\nseq -f 'the line with the number %.0f é' 1 20000\n");
  const text = await journalOf(agent);
  assert.ok(Buffer.byteLength(text) <= limits.journalTailBytes);
  assert.match(text, /^the line with the number \d+ é\n[\s\S]*\nthe line with the number 20000 é\n$/);
  assert.ok(!text.includes('\ufffd'));
});

test('a journal that is one endless line is none, one that cannot be read is said so', options, async (t) => {
  const agent = await startScratchAgent(t);
  writeProgram(agent.folder, 'journalctl', "#!/bin/sh\nhead -c 200000 /dev/zero | tr '\\0' x; echo; echo end\n");
  assert.equal(await journalOf(agent), 'end\n');
  writeProgram(agent.folder, 'journalctl', '#!/bin/sh\nexit 1\n');
  assert.equal((await agent.call('GET', '/journal')).status, 503);
  writeProgram(agent.folder, 'journalctl', '#!/bin/sh\nexec sleep 600\n');
  assert.equal((await agent.call('GET', '/journal')).status, 503);
});
