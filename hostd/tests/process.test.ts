/** The real process: root's, on the real host. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, watch } from 'node:fs';
import { mkdir, mkdtemp, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from '@polydev/drivers/exec';
import { makePlace, removePlace } from '@polydev/drivers/oci/testing/place';
import { holdings, type OciPlace, openSubject } from '@polydev/drivers/oci/testing/subject';
import { whyNoRealSandbox } from '@polydev/drivers/testing/scratch';
import { createHostdClient, type HostdClient } from '../client.ts';

const main = fileURLToPath(new URL('../main.ts', import.meta.url));
const timeout = 180_000;
/** Debian's group without members or rights. */
const group = 'nogroup';
const nobody = 65_534;

interface Hostd {
  process: ChildProcess;
  firstLine: Record<string, unknown>;
  client: HostdClient;
  stop(signal: NodeJS.Signals): Promise<void>;
}

function socketOf(place: OciPlace): string {
  return join(place.folder, 'hostd.sock');
}

async function startHostd(place: OciPlace, ...more: string[]): Promise<Hostd> {
  const options = {
    socket: socketOf(place),
    group,
    journal: join(place.folder, 'journal'),
    'run-dir': place.runDir,
    images: place.images,
    instance: place.instance,
    'gateway-address': place.gateway.host,
  };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  const child = spawn(process.execPath, [main, ...args, ...more], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  const client = createHostdClient({ socketPath: socketOf(place) });
  return {
    process: child,
    firstLine: JSON.parse(line),
    client,
    async stop(signal) {
      client.close();
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
    },
  };
}

async function place(t: TestContext): Promise<OciPlace> {
  const made = await makePlace();
  t.after(async () => {
    const last = await startHostd(made); // sweeps and closes whatever a failed test left
    await last.stop('SIGINT');
    await removePlace(made);
  });
  return made;
}

describe('hostd', { skip: (await whyNoRealSandbox()) ?? false }, () => {
  test('says that it listens, serves its group and nobody else', { timeout }, async (t) => {
    const at = await place(t);
    const hostd = await startHostd(at);
    t.after(() => hostd.stop('SIGKILL'));
    assert.deepEqual(hostd.firstLine, { listening: socketOf(at), gateway: at.gateway });
    const { uid, gid, mode } = await stat(socketOf(at));
    assert.deepEqual({ uid, gid, mode: mode & 0o777 }, { uid: 0, gid: nobody, mode: 0o660 });
    assert.deepEqual(await hostd.client.list(), []);
    assert.equal((await hostd.client.features()).isolation, 'container');
    await hostd.stop('SIGTERM');
  });

  test('listens on no network', { timeout }, async (t) => {
    const hostd = await startHostd(await place(t));
    t.after(() => hostd.stop('SIGKILL'));
    const { stdout } = await run(['ss', '-Htulnp']);
    assert.doesNotMatch(stdout, new RegExp(`pid=${hostd.process.pid},`));
    await hostd.stop('SIGTERM');
  });

  test('a second one on the same socket refuses to start, and the first goes on', { timeout }, async (t) => {
    const at = await place(t);
    const first = await startHostd(at);
    t.after(() => first.stop('SIGKILL'));
    const second = await startHostd(at);
    assert.equal((second.firstLine.error as { code: string }).code, 'port_taken');
    assert.deepEqual(await first.client.list(), []);
    await first.stop('SIGTERM');
  });

  test('one whose addresses another uses refuses to start, and takes nothing from it', { timeout }, async (t) => {
    const at = await place(t);
    const first = await startHostd(at);
    t.after(() => first.stop('SIGKILL'));
    const { spec } = await openSubject(at);
    const { agent } = await first.client.create(spec());
    const other = { ...at, instance: `${at.instance}x`.slice(-12), folder: await mkdtemp(join(at.folder, 'other-')) };
    const second = await startHostd(other);
    assert.equal((second.firstLine.error as { code: string }).code, 'host_lacks');
    await second.stop('SIGKILL');
    // The address is the first one's.
    assert.deepEqual(await holdings(other), [at.gateway.host]);
    await accepts(agent);
    await first.stop('SIGINT');
  });

  test('told to stop while a sandbox comes up for nobody, it ends, and the next one sees to it', {
    timeout,
  }, async (t) => {
    const at = await place(t);
    const hostd = await startHostd(at);
    t.after(() => hostd.stop('SIGKILL'));
    const { spec, leftovers } = await openSubject(at);
    const journal = join(at.folder, 'journal');
    await mkdir(journal, { recursive: true });
    const watcher = watch(journal);
    const written = once(watcher, 'change');
    const creating = hostd.client.create(spec()).catch(() => null);
    await written;
    watcher.close();
    await hostd.stop('SIGTERM'); // Its client hangs up first.
    await creating;
    const next = await startHostd(at);
    t.after(() => next.stop('SIGKILL'));
    assert.notEqual(next.firstLine.listening, undefined);
    await next.stop('SIGINT');
    assert.deepEqual(await leftovers(), []);
  });

  test('stopped for good, it takes its sandboxes and everything else with it', { timeout }, async (t) => {
    const at = await place(t);
    const hostd = await startHostd(at);
    t.after(() => hostd.stop('SIGKILL'));
    const { spec, leftovers } = await openSubject(at);
    await Promise.all([hostd.client.create(spec()), hostd.client.create(spec())]);
    assert.notDeepEqual(await leftovers(), []);
    await hostd.stop('SIGINT');
    assert.deepEqual(await leftovers(), []);
    assert.deepEqual(await holdings(at), []);
    assert.equal(existsSync(socketOf(at)), false);
  });

  for (const [how, signal] of [
    ['killed', 'SIGKILL'],
    ['told to end and be started again', 'SIGTERM'],
  ] as const)
    test(`${how}, its sandboxes live on and the next one serves and watches them`, { timeout }, async (t) => {
      const at = await place(t);
      const first = await startHostd(at);
      t.after(() => first.stop('SIGKILL'));
      const { spec, kill, leftovers } = await openSubject(at);
      const wanted = spec();
      const address = await first.client.create(wanted);
      await first.stop(signal);
      await accepts(address.agent);

      const second = await startHostd(at);
      t.after(() => second.stop('SIGKILL'));
      const died = new Promise((resolve) => second.client.onExit(resolve));
      assert.deepEqual(await second.client.address(wanted.id), address);
      await accepts(address.agent);
      await kill(wanted.id);
      assert.deepEqual(await died, { id: wanted.id, reason: 'died' });
      await second.stop('SIGINT');
      assert.deepEqual(await leftovers(), []);
      assert.deepEqual(await holdings(at), []);
    });

  test('says what is wrong with its command line', { timeout }, async (t) => {
    const at = await place(t);
    for (const wrong of [['--gateway-address', 'localhost'], ['--run-dir', 'relative'], ['--unheard-of']]) {
      const hostd = await startHostd(at, ...wrong);
      assert.equal((hostd.firstLine.error as { code: string }).code, 'invalid_request');
      hostd.client.close();
    }
  });
});

async function accepts(endpoint: { host: string; port: number }): Promise<void> {
  const socket = connect(endpoint.port, endpoint.host);
  await once(socket, 'connect');
  socket.destroy();
}
