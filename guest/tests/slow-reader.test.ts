import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { suite, test } from 'node:test';
import { ExecEvent } from '@polydev/protocol';
import { createClient, ownExec, scratchFolder, token } from './scratch-agent.ts';

const MiB = 1024 * 1024;

function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

suite('readers that do not read', { timeout: 240_000 }, () => {
  test('cost the agent no copy of the output', async (t) => {
    const folder = scratchFolder(t);
    const agent = spawn(process.execPath, [join(import.meta.dirname, 'agent-process.ts'), folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => agent.kill('SIGKILL'));
    const [port] = await once(createInterface({ input: agent.stdout }), 'line');
    const client = createClient(Number(port));
    await client.claim();

    const readers = 8;
    const script = `head -c ${60 * MiB} /dev/zero | tr "\\0" a | fold -w 10000`;
    const id = ownExec('x');
    await client.call('POST', '/exec', {
      id,
      argv: ['sh', '-c', script],
      env: {},
      files: [],
      stdin: '',
      deadlineMs: 180_000,
    });
    let bytes = 0;
    for await (const event of client.stream(ExecEvent, `/exec/${id}/events`))
      if (event.type === 'stdout') bytes += event.line.length;
    assert.equal(bytes, 60 * MiB);
    const before = residentBytes(agent.pid ?? 0);

    const headers = { authorization: `Bearer ${token}` };
    for (let reader = 0; reader < readers; reader += 1) {
      const request = get({ port: Number(port), path: `/exec/${id}/events`, headers, agent: false });
      const [answer]: IncomingMessage[] = await once(request, 'response');
      answer?.pause();
      t.after(() => request.destroy());
    }
    // An answer to this one means that the agent has turned to all of them.
    await client.call('GET', '/health');
    const grown = residentBytes(agent.pid ?? 0) - before;
    assert.ok(grown < (readers * 60 * MiB) / 10, `${readers} readers made it grow by ${Math.round(grown / MiB)} MiB`);
  });
});
