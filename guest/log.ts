/** What the agent says to the sandbox's journal. Never a secret, never what a person typed. */

export type Log = (message: string, error?: unknown) => void;

export function createLog(stream: NodeJS.WritableStream): Log {
  return (message, error) => {
    const cause =
      error === undefined ? '' : `: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
    stream.write(`${message}${cause}\n`);
  };
}
