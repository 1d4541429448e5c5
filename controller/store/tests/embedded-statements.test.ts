import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { PGlite } from '@electric-sql/pglite';
import { createStatements, statementsAtMost } from '../embedded-statements.ts';

const database = await PGlite.create();
after(() => database.close());
const ask = createStatements(database);
const rows = async (text: string, params: unknown[] = []) => (await ask({ text, params, rowMode: 'array' })).rows;
const parsed = async () => Number((await rows('select count(*) from pg_prepared_statements'))[0]?.[0 as never]);

await rows('create table fruit (id int primary key, name text, tags text[], seen timestamptz)');

test('what was parsed once is not parsed again, and has its values in their types', async () => {
  const insert = 'insert into fruit values ($1, $2, $3, $4)';
  const find = 'select id, name, tags, seen::text from fruit where id = any($1) order by id';
  await ask({ text: insert, params: [1, 'pear', ['a', 'b'], '2026-01-02 03:04:05+00'], rowMode: 'array' });
  assert.equal((await rows(find, [[1, 2]])).length, 1);
  const before = await parsed();
  const { affectedRows, command } = await ask({ text: insert, params: [2, null, [], null], rowMode: 'array' });
  assert.deepEqual({ affectedRows, command }, { affectedRows: 1, command: 'INSERT' });
  assert.deepEqual((await rows(find, [[1, 2]])).at(-1), [2, null, [], null]);
  assert.deepEqual((await rows(find, [[1]])).length, 1);
  assert.equal(await parsed(), before);
  const { rows: objects } = await ask({ text: 'select name from fruit where id = $1', params: [1], rowMode: 'object' });
  assert.deepEqual(objects, [{ name: 'pear' }]);
});

const wrong: [string, string, unknown[], string][] = [
  ['a statement that is none', 'selekt 1', [], '42601'],
  ['a value of another type', 'select id from fruit where id = $1', ['pear'], '22P02'],
  ['too few values', 'select id from fruit where id = $1', [], '08P01'],
  ['a value that is there', 'insert into fruit values ($1)', [7], '23505'],
];

for (const [title, text, params, code] of wrong) {
  test(`${title}: refused twice, and nothing of it reaches what is asked next`, async () => {
    await rows('insert into fruit values (7) on conflict do nothing');
    const count = async () => (await rows('select count(*)::int from fruit'))[0];
    const before = await count();
    for (let times = 0; times < 2; times += 1) {
      await assert.rejects(rows(text, params), { code });
      assert.deepEqual(await count(), before);
    }
    await rows('begin');
    await rows('insert into fruit values (8)');
    await assert.rejects(rows(text, params), { code });
    await assert.rejects(count(), { code: '25P02' });
    assert.equal((await ask({ text: 'commit', params: [], rowMode: 'array' })).command, 'ROLLBACK');
    assert.deepEqual(await count(), before);
  });
}

test('of more than it keeps the one that was not asked for longest is parsed again', async () => {
  const often = 'select 0 as often';
  for (let n = 0; n < statementsAtMost + 20; n += 1) {
    assert.deepEqual(await rows(`select ${n} as n`), [[n]]);
    assert.deepEqual(await rows(often), [[0]]);
  }
  assert.ok((await parsed()) <= statementsAtMost);
  const names = await rows(`select statement from pg_prepared_statements where statement in ($1, $2)`, [
    often,
    'select 0 as n',
  ]);
  assert.deepEqual(names, [[often]]);
  assert.deepEqual(await rows('select 0 as n'), [[0]]);
});
