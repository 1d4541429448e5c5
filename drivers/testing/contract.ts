/**
 * What every driver promises, as one suite. A driver's own test hands in a way to make one and runs it; nothing here
 * knows which driver it is.
 */

import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { after, describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  type ErrorCode,
  newId,
  PolydevError,
  type SandboxExit,
  type SandboxId,
  type SandboxSpec,
} from '@polydev/protocol';
import type { LocalDriver } from '../contract.ts';
import type { StepListener } from '../resources.ts';

/** A driver, ready to use, and what only a test may do to it. */
export interface Subject {
  driver: LocalDriver;
  spec(): SandboxSpec;
  /** Ends a sandbox's first process, as if by itself. Also while it is starting. */
  kill(id: SandboxId): Promise<void>;
  /** Everything of any sandbox that is there now, by name. */
  leftovers(): Promise<string[]>;
}

export interface ContractOptions<S> {
  /** Why it cannot be tested here. */
  skip?: string | undefined;
  /** A place of its own for each test: folders, names. Must survive being sent to another process. */
  makePlace(): Promise<S>;
  /** Called when nothing lives there any more. */
  removePlace(place: S): Promise<void>;
  /** A file that exports `openSubject(place, onStep): Promise<Subject>`. */
  module: string;
  /** One test may take so long. */
  timeoutMs: number;
  /** Besides after each step, crash so many milliseconds after the first one. */
  crashAfterMs: readonly number[];
}

export type OpenSubject<S> = (place: S, onStep?: StepListener) => Promise<Subject>;

const crashChild = fileURLToPath(new URL('crash-child.ts', import.meta.url));

export function driverContract<S>(name: string, options: ContractOptions<S>): void {
  describe(`the driver ${name}`, { skip: options.skip ?? false }, () => {
    const timeout = options.timeoutMs;

    async function openSubject(place: S, onStep?: StepListener): Promise<Subject> {
      const module = (await import(options.module)) as { openSubject: OpenSubject<S> };
      return module.openSubject(place, onStep);
    }

    async function subject(t: TestContext, onStep?: StepListener): Promise<Subject> {
      const place = await options.makePlace();
      const opened = await openSubject(place, onStep);
      t.after(async () => {
        await opened.driver.close({ keep: false });
        await options.removePlace(place);
      });
      await opened.driver.recover();
      return opened;
    }

    test('creates a sandbox whose agent listens at its address', { timeout }, async (t) => {
      const { driver, spec } = await subject(t);
      const wanted = spec();
      const address = await driver.create(wanted);
      assert.equal(typeof (await statusOf(address.agent)), 'number');
      assert.deepEqual(await driver.address(wanted.id), address);
      assert.notEqual(await driver.console(wanted.id), '');
      const [listed, ...others] = await driver.list();
      assert.equal(others.length, 0);
      assert.equal(listed?.id, wanted.id);
      assert.equal(listed?.state, 'running');
      assert.equal(listed?.profile, wanted.profile);
      assert.equal(listed?.image, wanted.image);
      assert.deepEqual(listed?.address, address);
    });

    test('destroys a sandbox completely, once or twice or by two at a time', { timeout }, async (t) => {
      const { driver, spec, leftovers } = await subject(t);
      const wanted = spec();
      const { agent } = await driver.create(wanted);
      assert.notDeepEqual(await leftovers(), []);
      await Promise.all([driver.destroy(wanted.id), driver.destroy(wanted.id)]);
      await driver.destroy(wanted.id);
      assert.deepEqual(await leftovers(), []);
      assert.deepEqual(await driver.list(), []);
      await assert.rejects(statusOf(agent));
    });

    test('does not know what was never there, and destroying it is fine', { timeout }, async (t) => {
      const { driver } = await subject(t);
      const id = newId('sandbox');
      for (const ask of [driver.address, driver.console, driver.pause, driver.resume])
        await assert.rejects(ask(id), withCode('sandbox_gone'));
      await driver.destroy(id);
    });

    test('refuses an id twice, and an id that is none', { timeout }, async (t) => {
      const { driver, spec } = await subject(t);
      const wanted = spec();
      const first = driver.create(wanted);
      await assert.rejects(driver.create(wanted), withCode('invalid_request'));
      await first;
      await assert.rejects(driver.create(wanted), withCode('invalid_request'));
      const id = 'sbx_../../etc' as SandboxId;
      await assert.rejects(driver.create({ ...spec(), id }), withCode('invalid_request'));
    });

    test('tells once that a sandbox was destroyed', { timeout }, async (t) => {
      const { driver, spec } = await subject(t);
      const exits = exitsOf(driver);
      const [first, second] = [spec(), spec()];
      await Promise.all([driver.create(first), driver.create(second)]);
      await driver.destroy(first.id);
      await driver.destroy(first.id);
      await driver.destroy(second.id);
      assert.deepEqual(await exits.first(2), [
        { id: first.id, reason: 'destroyed' },
        { id: second.id, reason: 'destroyed' },
      ]);
    });

    test('tells once that a sandbox died, keeps its console, and lets it be destroyed', { timeout }, async (t) => {
      const { driver, spec, kill, leftovers } = await subject(t);
      const exits = exitsOf(driver);
      const [first, second] = [spec(), spec()];
      await Promise.all([driver.create(first), driver.create(second)]);
      await kill(first.id);
      assert.deepEqual(await exits.first(1), [{ id: first.id, reason: 'died' }]);
      const states = new Map((await driver.list()).map(({ id, state }) => [id, state]));
      assert.equal(states.get(first.id), 'dead');
      assert.notEqual(await driver.console(first.id), '');
      await assert.rejects(driver.address(first.id), withCode('sandbox_gone'));
      await driver.destroy(first.id);
      await driver.destroy(second.id);
      assert.deepEqual((await exits.first(2))[1], { id: second.id, reason: 'destroyed' });
      assert.deepEqual(await leftovers(), []);
    });

    test('a listener that left hears nothing', { timeout }, async (t) => {
      const { driver, spec } = await subject(t);
      const heard: SandboxExit[] = [];
      const leave = driver.onExit((exit) => heard.push(exit));
      leave();
      const exits = exitsOf(driver);
      const wanted = spec();
      await driver.create(wanted);
      await driver.destroy(wanted.id);
      await exits.first(1);
      assert.deepEqual(heard, []);
    });

    test('pauses and resumes, or says that it cannot', { timeout }, async (t) => {
      const { driver, spec } = await subject(t);
      const wanted = spec();
      const { agent } = await driver.create(wanted);
      if (!(await driver.features()).pause) {
        await assert.rejects(driver.pause(wanted.id), withCode('unsupported'));
        return;
      }
      await driver.pause(wanted.id);
      assert.equal((await driver.list())[0]?.state, 'paused');
      const held = statusOf(agent);
      await driver.resume(wanted.id);
      assert.equal((await driver.list())[0]?.state, 'running');
      assert.equal(typeof (await held), 'number');
      await driver.pause(wanted.id);
      await driver.destroy(wanted.id);
    });

    test('knows how much memory is left for new ones', { timeout }, async (t) => {
      const { driver } = await subject(t);
      const { freeMiB } = await driver.memory();
      assert.ok(Number.isSafeInteger(freeMiB) && freeMiB > 0, String(freeMiB));
    });

    test('throws for what its features say it cannot do', { timeout }, async (t) => {
      const { driver, spec } = await subject(t);
      if ((await driver.features()).snapshot) return;
      await assert.rejects(driver.snapshot(newId('sandbox')), withCode('unsupported'));
      await assert.rejects(driver.restore('any', spec()), withCode('unsupported'));
    });

    test('preflight finds everything that is needed here', { timeout }, async (t) => {
      const { driver } = await subject(t);
      const findings = await driver.preflight();
      assert.deepEqual(
        findings.filter(({ ok, needed }) => needed && !ok),
        [],
      );
    });

    test('a start whose sandbox dies fails at once and leaves nothing', { timeout }, async (t) => {
      let id: SandboxId | undefined;
      const { driver, spec, kill, leftovers } = await subject(t, (step) => {
        if (step === 'start' && id) void kill(id);
      });
      const exits = exitsOf(driver);
      const wanted = spec();
      id = wanted.id;
      await assert.rejects(driver.create(wanted), withCode('sandbox_failed'));
      assert.deepEqual(await leftovers(), []);
      assert.deepEqual(await driver.list(), []);

      id = undefined;
      const good = spec();
      await driver.create(good);
      await driver.destroy(good.id);
      assert.deepEqual(await exits.first(1), [{ id: good.id, reason: 'destroyed' }]);
    });

    test('a sandbox destroyed while it starts is gone, and leaves nothing', { timeout }, async (t) => {
      let id: SandboxId | undefined;
      let destroyed: Promise<void> | undefined;
      const { driver, spec, leftovers } = await subject(t, (step) => {
        if (step === 'start' && id) destroyed = driver.destroy(id);
      });
      const wanted = spec();
      id = wanted.id;
      const created = driver.create(wanted);
      // Where asking takes longer than starting, it is destroyed right after the start.
      await created.catch(withCode('sandbox_gone'));
      await destroyed;
      assert.deepEqual(await driver.list(), []);
      assert.deepEqual(await leftovers(), []);
    });

    test('sandboxes live beside each other, each at its own address', { timeout }, async (t) => {
      const { driver, spec, leftovers } = await subject(t);
      const wanted = [spec(), spec(), spec()];
      const addresses = await Promise.all(wanted.map((each) => driver.create(each)));
      const distinct = new Set(addresses.map(({ agent }) => `${agent.host}:${agent.port}`));
      assert.equal(distinct.size, wanted.length);
      assert.equal(new Set(addresses.map(({ source }) => source)).size, wanted.length);
      await driver.destroy(wanted[1]?.id as SandboxId);
      assert.equal(typeof (await statusOf((addresses[2] ?? assert.fail()).agent)), 'number');
      await driver.close({ keep: false });
      assert.deepEqual(await leftovers(), []);
    });

    test('a restart finds what it left: alive and watched, or swept', { timeout }, async (t) => {
      const place = await options.makePlace();
      const first = await openSubject(place);
      await first.driver.recover();
      const wanted = first.spec();
      const address = await first.driver.create(wanted);
      await first.driver.close({ keep: true });

      const { driver, kill, leftovers } = await openSubject(place);
      t.after(async () => {
        await driver.close({ keep: false });
        await options.removePlace(place);
      });
      const { adopted, swept } = await driver.recover();
      assert.deepEqual([...adopted, ...swept], [wanted.id]);
      if (adopted.length > 0) {
        assert.deepEqual(await driver.address(wanted.id), address);
        await assert.rejects(driver.create(wanted), withCode('invalid_request'));
        const died = new Promise((resolve) => driver.onExit(resolve));
        await kill(wanted.id);
        assert.deepEqual(await died, { id: wanted.id, reason: 'died' });
        await driver.destroy(wanted.id);
      }
      assert.deepEqual(await leftovers(), []);
    });

    describe('after kill -9 of its process, the next start leaves nothing of a sandbox', () => {
      let steps: string[] = [];
      const children: ChildProcess[] = [];
      after(() => {
        for (const child of children) child.kill('SIGKILL');
      });

      async function crash(t: TestContext, when: { afterStep: number } | { afterMs: number }): Promise<void> {
        const place = await options.makePlace();
        const child = fork(crashChild, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
        children.push(child);
        const exited = once(child, 'exit');
        child.on('message', () => {
          if ('afterMs' in when) setTimeout(() => child.kill('SIGKILL'), when.afterMs);
        });
        child.send({ module: options.module, place, afterStep: 'afterStep' in when ? when.afterStep : -1 });
        assert.equal((await exited)[1], 'SIGKILL');

        const next = await openSubject(place);
        t.after(async () => {
          await next.driver.close({ keep: false });
          await options.removePlace(place);
        });
        const { adopted, problems } = await next.driver.recover();
        assert.deepEqual(problems, []);
        for (const id of adopted) {
          assert.equal(typeof (await statusOf((await next.driver.address(id)).agent)), 'number');
          await next.driver.destroy(id);
        }
        assert.deepEqual(await next.driver.list(), []);
        assert.deepEqual(await next.leftovers(), []);
      }

      test('after each step of creating', { timeout: 20 * timeout }, async (t) => {
        const { driver, spec } = await subject(t, (step) => steps.push(step));
        steps = [];
        await driver.create(spec());
        await driver.close({ keep: false });
        for (const [index, step] of steps.entries())
          await t.test(step.replace(/sbx_\w+|pdv\w+/, '…'), { timeout }, (nested) =>
            crash(nested, { afterStep: index }),
          );
      });

      for (const afterMs of options.crashAfterMs)
        test(`${afterMs} ms after the beginning`, { timeout }, (t) => crash(t, { afterMs }));
    });
  });
}

/** The status that the agent answers to a stranger. */
function statusOf(endpoint: { host: string; port: number }): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ ...endpoint, path: '/health', agent: false, timeout: 30_000 }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer')));
    outgoing.on('error', reject);
    outgoing.end();
  });
}

/** Ends in the order in which they were told. */
function exitsOf(driver: LocalDriver) {
  const told: SandboxExit[] = [];
  const waiting = new Set<() => void>();
  driver.onExit((exit) => {
    told.push(exit);
    for (const look of waiting) look();
  });
  return {
    /** Waits for so many, and gives all there are. */
    first: (count: number) =>
      new Promise<SandboxExit[]>((resolve) => {
        const look = () => {
          if (told.length >= count) resolve([...told]);
        };
        waiting.add(look);
        look();
      }),
  };
}

function withCode(code: ErrorCode): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof PolydevError, String(error));
    assert.equal(error.code, code, error.stack);
    return true;
  };
}
