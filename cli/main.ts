/** The `polydev` command: everything through the HTTP API, by the SDK. */

import { PolydevApiError } from '@polydev/sdk';
import { connect } from './commands/connect.ts';
import { connections } from './commands/connections.ts';
import { help } from './commands/help.ts';
import { login } from './commands/login.ts';
import { run } from './commands/run.ts';
import { runs } from './commands/runs.ts';
import { sandbox } from './commands/sandbox.ts';
import { type Invocation, readInvocation } from './config.ts';
import { CliError } from './errors.ts';

/** A command answers its exit code. */
export type Command = (invocation: Invocation) => Promise<number>;

const commands: Record<string, Command> = { run, runs, sandbox, connections, connect, login, help };

try {
  const invocation = readInvocation();
  const command = Object.hasOwn(commands, invocation.command) ? commands[invocation.command] : undefined;
  if (command === undefined) {
    throw new CliError(`There is no command \`${invocation.command}\`.`, '`polydev help` lists them.', 2);
  }
  process.exitCode = await command(invocation);
} catch (error) {
  const { message, hint, exitCode } = explain(error);
  process.stderr.write(`✗ ${message}\n${hint === '' ? '' : `  ${hint}\n`}`);
  process.exitCode = exitCode;
}

function explain(error: unknown): { message: string; hint: string; exitCode: number } {
  if (error instanceof CliError) return error;
  if (error instanceof PolydevApiError) {
    const request = error.requestId === '' ? '' : ` (${error.requestId})`;
    return { message: `${error.message}${request}`, hint: error.hint, exitCode: 1 };
  }
  return { message: error instanceof Error ? error.message : String(error), hint: '', exitCode: 1 };
}
