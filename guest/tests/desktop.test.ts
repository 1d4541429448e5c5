import assert from 'node:assert/strict';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { AgentEvent, AgentHealth } from '@polydev/protocol';
import { startScratchAgent, writeProgram } from './scratch-agent.ts';

/** What xprop prints of the root window is in a file, and window 0x<n>'s class is the one of its number. */
const xprop = (folder: string) => `#!/bin/sh
case "$1 $2" in
  "-root -spy") exec tail -n +1 -s 0.02 -f ${folder}/root-window ;;
  "-id 0x1") echo 'WM_CLASS(STRING) = "xfce4-terminal", "Xfce4-terminal"' ;;
  "-id 0x2") echo 'WM_CLASS(STRING) = "Navigator", "firefox-esr"' ;;
  "-id 0x3") echo 'WM_CLASS(STRING) = "xfdesktop", "Xfdesktop"' ;;
  *) exit 1 ;;
esac
`;

async function startDisplay(t: TestContext, path: string): Promise<Server> {
  mkdirSync(dirname(path), { recursive: true });
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.write('RFB 003.008\n');
  }).listen(path);
  await once(server, 'listening');
  t.after(() => server.close());
  return server;
}

suite('the desktop', { timeout: 120_000 }, () => {
  test('tells of its display and its windows as they come and go', async (t) => {
    const agent = await startScratchAgent(t);
    writeProgram(agent.folder, 'xprop', xprop(agent.folder));
    const windows = join(agent.folder, 'root-window');
    writeFileSync(windows, '_XKB_RULES_NAMES(STRING) = "evdev", "pc105", "us", "", ""\n');
    const events = agent.stream(AgentEvent, '/events');
    const expect = async (part: string, up: boolean) => {
      const { value } = await events.next();
      assert.deepEqual([value?.type, value?.part, value?.up], ['desktop', part, up]);
    };
    const desktop = async () => (await agent.ask(AgentHealth, 'GET', '/health')).desktop;

    assert.deepEqual(await desktop(), []);
    await startDisplay(t, agent.config.display.socket);
    await expect('display', true);
    appendFileSync(windows, '_NET_CLIENT_LIST(WINDOW): window id # 0x3\n');
    appendFileSync(windows, '_NET_CLIENT_LIST(WINDOW): window id # 0x3, 0x1\n');
    await expect('terminal', true);
    appendFileSync(windows, '_NET_CLIENT_LIST_STACKING(WINDOW): window id # 0x1\n');
    appendFileSync(windows, '_NET_CLIENT_LIST(WINDOW): window id # 0x3, 0x1, 0x2, 0x99\n');
    await expect('browser', true);
    assert.deepEqual(await desktop(), ['display', 'terminal', 'browser']);
    appendFileSync(windows, '_NET_CLIENT_LIST(WINDOW): window id # 0x3, 0x2\n');
    await expect('terminal', false);
    assert.deepEqual(await desktop(), ['display', 'browser']);
  });

  test('is looked at again after its X server ended', async (t) => {
    const agent = await startScratchAgent(t);
    writeProgram(agent.folder, 'xprop', `#!/bin/sh\nread -r _ < ${agent.folder}/x-server-ends\n`);
    const events = agent.stream(AgentEvent, '/events');
    const next = async () => (await events.next()).value?.up;
    await startDisplay(t, agent.config.display.socket);
    // Without the file to read from, this X server ends at once, again and again.
    assert.deepEqual([await next(), await next(), await next()], [true, false, true]);
  });
});
