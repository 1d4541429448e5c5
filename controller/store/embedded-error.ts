/** An error that can be sent from one thread to another: what a database says besides its sentence is text. */

/** Emscripten's numbers of what files can meet, and the names that the host has for them. */
const fileErrors: Readonly<Record<number, string>> = { 19: 'EDQUOT', 51: 'ENOSPC' };

export function plainError(error: unknown): Record<string, string> {
  const said = Object.entries(Object(error)).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  if (error instanceof Error) return { ...Object.fromEntries(said), message: error.message };
  const code = fileErrors[Number(Object(error).errno)];
  return { message: code ?? `A file of the database: error ${Object(error).errno}.`, ...(code && { code }) };
}
