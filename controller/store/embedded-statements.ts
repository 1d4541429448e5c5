/**
 * Statements that the embedded database has parsed before. PGlite's own `query` has each one parsed anew, and sends five
 * messages for it, one after the other.
 */

import { type messages, type PGlite, parse, protocol, type Results } from '@electric-sql/pglite';
import type { EmbeddedQuery } from './embedded-client.ts';
import { parsers } from './embedded-parsers.ts';

type Message = messages.BackendMessage;

/** Lists of different lengths make many of one. */
export const statementsAtMost = 200;

interface Statement {
  name: string;
  /** Of its parameters. */
  types: readonly number[];
  /** Of its rows; empty where it has none. */
  described: readonly Message[];
}

/** One is done after the other. Rejects with what the database says. */
export function createStatements(database: PGlite): (query: EmbeddedQuery) => Promise<Results<unknown>> {
  const { serialize } = protocol;
  const allParsers = { ...database.parsers, ...parsers };
  /** Who was asked for last comes last. */
  const statements = new Map<string, Statement>();
  let made = 0;

  /** Sends these messages and a sync as one. */
  const send = (...parts: Uint8Array[]): Promise<Message[]> =>
    database.execProtocolStream(Buffer.concat([...parts, serialize.sync()]), { syncToFs: false });

  async function statementOf(text: string): Promise<Statement> {
    const known = statements.get(text) ?? (await make(text));
    statements.delete(text);
    statements.set(text, known);
    return known;
  }

  async function make(text: string): Promise<Statement> {
    const [oldest] = statements.keys();
    if (oldest !== undefined && statements.size >= statementsAtMost) await forget(oldest);
    made += 1;
    const name = `s${made}`;
    const said = await send(serialize.parse({ name, text }), serialize.describe({ type: 'S', name }));
    const isSaid = (...names: string[]) => said.some((message) => names.includes(message.name));
    if (!isSaid('parameterDescription') || !isSaid('rowDescription', 'noData')) throw unfinished();
    const types = parse.parseDescribeStatementResults(said);
    return { name, types, described: said.filter((message) => message.name === 'rowDescription') };
  }

  async function forget(text: string): Promise<void> {
    const statement = statements.get(text);
    statements.delete(text);
    if (statement) await send(serialize.close({ type: 'S', name: statement.name }));
  }

  function written(value: unknown, type: number | undefined): string | null {
    if (value === null || value === undefined) return null;
    const serializer = type === undefined ? undefined : database.serializers[type];
    return serializer ? serializer(value) : String(value);
  }

  async function answerTo({ text, params, rowMode }: EmbeddedQuery): Promise<Results<unknown>> {
    const { name, types, described } = await statementOf(text);
    const values = params.map((value, index) => written(value, types[index]));
    const said = await send(serialize.bind({ statement: name, values }), serialize.execute({}));
    const [result] = parse.parseResults([...described, ...said], allParsers, { rowMode });
    if (!result?.command) throw unfinished();
    return result;
  }

  return (query) =>
    database.runExclusive(async () => {
      try {
        return await answerTo(query);
      } catch (error) {
        // A table may have changed since it was parsed. What was said first counts.
        await forget(query.text).catch(() => {});
        throw error;
      }
    });
}

/** PGlite passes over what breaks on its own side. */
const unfinished = () => new Error('The embedded database did not finish a statement.');
