/** `./polydev up | down | doctor | image | test`: what is done on the host itself. */

import { PolydevError, toPolydevError } from '@polydev/protocol';
import { doctor } from './doctor.ts';
import { down } from './down.ts';
import { image } from './image-command.ts';
import { runTests } from './test-command.ts';
import { up } from './up.ts';

const commands: Readonly<Record<string, (args: string[]) => Promise<number>>> = {
  ...{ up, down, doctor, image },
  test: runTests,
};

// A terminal that is closed, or a pipe that nobody reads any more, must not end what is being done.
for (const output of [process.stdout, process.stderr]) output.on('error', () => {});

const [name = '', ...args] = process.argv.slice(2);
const command = commands[name];

try {
  if (!command) throw new PolydevError('invalid_request', `There is no command "${name}".`);
  process.umask(0o022); // what is made here is read by the unprivileged user too
  process.exitCode = await command(args);
} catch (error) {
  const known = asKnown(error);
  process.stderr.write(`✗ ${known.message}\n  ${known.hint}\n`);
  if (known.code === 'internal') process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  process.exitCode = 1;
}

/** What a host says in its own words, as ours. */
function asKnown(error: unknown): PolydevError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const said = error instanceof Error ? `${error.message}` : '';
  if (code.startsWith('ERR_PARSE_ARGS')) {
    return new PolydevError('invalid_request', `${said} \`./polydev ${name} --help\` lists the options.`);
  }
  if (code === 'ENOSPC' || /No space left on device/.test(said)) {
    return new PolydevError('disk_full', 'The disk is full.', { cause: error });
  }
  return toPolydevError(error);
}
