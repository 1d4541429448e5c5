/** `./polydev up | doctor | image | test`: what is done on the host itself. */

import { toPolydevError } from '@polydev/protocol';
import { doctor } from './doctor.ts';
import { image } from './image-command.ts';
import { runTests } from './test-command.ts';
import { up } from './up.ts';

const commands: Readonly<Record<string, (args: string[]) => Promise<number>>> = { up, doctor, image, test: runTests };

const [name = '', ...args] = process.argv.slice(2);
const command = commands[name];

try {
  if (!command) throw new Error(`There is no command "${name}".`);
  process.exitCode = await command(args);
} catch (error) {
  const known = toPolydevError(error);
  process.stderr.write(`✗ ${known.message}\n  ${known.hint}\n`);
  if (known.code === 'internal') process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  process.exitCode = 1;
}
