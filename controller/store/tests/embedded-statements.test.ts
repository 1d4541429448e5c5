import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { PGlite } from '@electric-sql/pglite';
import { createStatements, statementsAtMost } from '../embedded-statements.ts';

const options = { timeout: 60_000 };
const database = await PGlite.create();
after(() => database.close());
const ask = createStatements(database);
const rows = async (text: string, params: unknown[] = []) =>
  (await ask({ text, params, rowMode: 'array' })).rows as unknown[][];
const number = async (text: string) => Number((await rows(text))[0]?.[0]);
const parsed = () => number('select count(*) from pg_prepared_statements');
const count = () => number('select count(*) from fruit');
const insert = 'insert into fruit values ($1, $2, $3, $4)';

await rows('create table fruit (id int primary key, name text, tags text[], data bytea)');

test('what was parsed once is not parsed again, and has its values in their types', options, async () => {
  const find = 'select id, name, tags, data from fruit where id = any($1) order by id';
  const first = [1, 'pear', ['a', 'b,"c'], new Uint8Array([0, 255])];
  const second = [2, null, [], null];
  const { affectedRows, command } = await ask({ text: insert, params: first, rowMode: 'array' });
  assert.deepEqual({ affectedRows, command }, { affectedRows: 1, command: 'INSERT' });
  assert.deepEqual(await rows(find, [[1, 2]]), [first]);
  const before = await parsed();
  await rows(insert, second);
  assert.deepEqual(await rows(find, [[1, 2]]), [first, second]);
  assert.equal(await parsed(), before);
  const { rows: objects } = await ask({ text: 'select name from fruit where id = $1', params: [1], rowMode: 'object' });
  assert.deepEqual(objects, [{ name: 'pear' }]);
});

test('a value of megabytes goes in and comes out', options, async () => {
  const much = 'pear '.repeat(1_000_000);
  assert.deepEqual(await rows('select $1::text, length($1::text)', [much]), [[much, much.length]]);
});

test('what is asked for in the same moment is answered one after the other', options, async () => {
  const answers = await Promise.all([1, 2, 3].map((n) => rows('select $1::int', [n])));
  assert.deepEqual(answers, [[[1]], [[2]], [[3]]]);
});

const one = 'insert into fruit (id) values ($1)';
const wrong: [string, string, unknown[], string][] = [
  ['a statement that is none', 'selekt 1', [], '42601'],
  ['a value of another type', one, ['pear'], '22P02'],
  ['too few values', one, [], '08P01'],
  ['a value that is there', one, [1], '23505'],
];

for (const [title, text, params, code] of wrong) {
  test(`${title}: refused each time, and nothing of it reaches what is asked next`, options, async () => {
    const before = await count();
    for (let times = 0; times < 2; times += 1) {
      await assert.rejects(rows(text, params), { code });
      assert.equal(await count(), before);
    }
    await rows('begin');
    // What went before it with success is not done once more.
    await rows(one, [100]);
    await rows('savepoint here');
    await assert.rejects(rows(text, params), { code });
    await assert.rejects(count(), { code: '25P02' });
    await rows('rollback to here');
    assert.equal(await count(), before + 1);
    await assert.rejects(rows(text, params), { code });
    assert.equal((await ask({ text: 'commit', params: [], rowMode: 'array' })).command, 'ROLLBACK');
    assert.equal(await count(), before);
  });
}

test('a table that has changed since', options, async () => {
  await rows('create table changing (a int)');
  await rows('insert into changing values (1)');
  const all = 'select * from changing';
  assert.deepEqual(await rows(all), [[1]]);
  await rows("alter table changing add column b text default 'x'");
  await assert.rejects(rows(all), { code: '0A000' });
  assert.deepEqual(await rows(all), [[1, 'x']]);
});

test('of more than it keeps the one that was not asked for longest is parsed again', options, async () => {
  const often = 'select 0 as often';
  for (let n = 0; n < statementsAtMost + 20; n += 1) {
    assert.deepEqual(await rows(`select ${n} as n`), [[n]]);
    assert.deepEqual(await rows(often), [[0]]);
  }
  assert.ok((await parsed()) <= statementsAtMost);
  const kept = await rows('select statement from pg_prepared_statements where statement = any($1)', [
    [often, 'select 0 as n'],
  ]);
  assert.deepEqual(kept, [[often]]);
  await rows('begin');
  await assert.rejects(rows('select 1 / 0'), { code: '22012' });
  for (let n = 0; n < 3; n += 1) await assert.rejects(rows(`select 'aborted' as a${n}`), { code: '25P02' });
  await rows('rollback');
  assert.deepEqual(await rows('select 0 as n'), [[0]]);
});
