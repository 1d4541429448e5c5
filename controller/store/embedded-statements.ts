/**
 * Statements that the embedded database has parsed before. PGlite's own `query` has each one parsed and planned anew, and
 * asks for that in five steps, which takes four times as long.
 */

import { type messages, type PGlite, parse, protocol, type Results } from '@electric-sql/pglite';
import type { EmbeddedQuery } from './embedded-client.ts';
import { parsers } from './embedded-parsers.ts';

type Message = messages.BackendMessage;

/** More than Polydev has. Lists of different lengths make more of them. */
export const statementsAtMost = 200;

interface Statement {
  name: string;
  /** Of its parameters. */
  types: readonly number[];
  /** Of its rows; none where it has none. */
  described: readonly Message[];
}

/** One at a time. Rejects with what the database says. */
export function createStatements(database: PGlite): (query: EmbeddedQuery) => Promise<Results<unknown>> {
  const { serialize } = protocol;
  const allParsers = { ...database.parsers, ...parsers };
  /** Who was asked for last comes last. */
  const statements = new Map<string, Statement>();
  let made = 0;

  /** All of them, and then it is ready for the next. */
  const ask = (...parts: Uint8Array[]): Promise<Message[]> =>
    database.execProtocolStream(Buffer.concat([...parts, serialize.sync()]), { syncToFs: false });

  async function statementOf(text: string): Promise<Statement> {
    const known = statements.get(text) ?? (await make(text));
    statements.delete(text);
    statements.set(text, known);
    return known;
  }

  async function make(text: string): Promise<Statement> {
    if (statements.size >= statementsAtMost) await forgetOldest();
    made += 1;
    const name = `s${made}`;
    const said = await ask(serialize.parse({ name, text }), serialize.describe({ type: 'S', name }));
    const types = parse.parseDescribeStatementResults(said);
    return { name, types, described: said.filter((message) => message.name === 'rowDescription') };
  }

  async function forgetOldest(): Promise<void> {
    const [oldest] = statements;
    if (!oldest) return;
    const [text, { name }] = oldest;
    await ask(serialize.close({ type: 'S', name }));
    statements.delete(text);
  }

  function written(value: unknown, type: number | undefined): string | null {
    if (value === null || value === undefined) return null;
    const serializer = type === undefined ? undefined : database.serializers[type];
    return serializer ? serializer(value) : String(value);
  }

  return async ({ text, params, rowMode }) => {
    const { name, types, described } = await statementOf(text);
    const values = params.map((value, index) => written(value, types[index]));
    const said = await ask(serialize.bind({ statement: name, values }), serialize.execute({}));
    const [result] = parse.parseResults([...described, ...said], allParsers, { rowMode });
    if (!result?.command) throw new Error('The embedded database did not finish a statement.');
    return result;
  };
}
