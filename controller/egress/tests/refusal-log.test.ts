import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createRefusalLog } from '../refusal-log.ts';
import { all, connectRequest, startGateway } from './world.ts';

interface Line {
  sandbox: string;
  reason?: string;
  leftOut?: number;
}

const other = '127.0.0.3';

suite('what a sandbox is refused cannot fill the log', { timeout: 60_000 }, () => {
  test('so many lines for each sandbox, then a count of the rest', async (t) => {
    const { enter, gateway, refusals, ...world } = await startGateway(t, { limits: { logLinesPerWindow: 3 } });
    const log = world.log as Line[];
    gateway.grant(other, { sandboxId: 'sbx_other' });
    const ask = async (source?: string) => {
      const socket = enter(source);
      socket.write(connectRequest('10.0.0.1:443'));
      await all(socket);
    };
    for (let n = 0; n < 10; n += 1) await ask();
    await ask(other);
    assert.deepEqual(
      log.map(({ sandbox, reason }) => `${sandbox} ${reason}`),
      ['sbx_test address', 'sbx_test address', 'sbx_test address', 'sbx_other address'],
    );
    assert.equal(refusals.length, 11, 'each is counted');
    gateway.revoke('127.0.0.1');
    gateway.revoke(other);
    assert.deepEqual(log.slice(4), [{ sandbox: 'sbx_test', leftOut: 7 }]);
  });

  test('a new window has lines again, and begins with what the last left out', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const said: string[] = [];
    const info = (fields: Line) => void said.push(fields.leftOut === undefined ? 'one' : `and ${fields.leftOut}`);
    const refusals = createRefusalLog({ log: { info }, sandboxId: 'sbx_test', lines: 2, windowMs: 60_000 });
    const note = (times: number) => {
      for (let n = 0; n < times; n += 1) refusals.note({}, 'Egress refused.');
    };
    note(5);
    t.mock.timers.tick(60_000);
    note(1);
    t.mock.timers.tick(60_000);
    refusals.close();
    assert.deepEqual(said, ['one', 'one', 'and 3', 'one']);
  });
});
