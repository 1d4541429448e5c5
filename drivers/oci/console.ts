/** A sandbox's console: conmon writes what the sandbox says on it to a file, a time and a stream before each line. */

import { watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { agentReadyLine, limits } from '@polydev/protocol';
import { isMissing } from '../journal.ts';

/** conmon starts the file anew when it grows past this, so it never eats the sandbox's space. */
export const consoleMaxBytes = 1024 * 1024;

export async function readConsole(file: string): Promise<string> {
  try {
    const text = plainText(await readFile(file, 'utf8'));
    return Buffer.from(text).subarray(-limits.consoleTailBytes).toString('utf8');
  } catch (error) {
    if (isMissing(error)) return '';
    throw error;
  }
}

/** Without conmon's prefixes, which end in F for a whole line and in P for a part of one. */
export function plainText(log: string): string {
  return log
    .split('\n')
    .map((line) => {
      const [, part = 'F', text = line] = /^\S+ std(?:out|err) ([FP]) (.*)$/s.exec(line) ?? [];
      return part === 'P' ? text : `${text.replace(/\r$/, '')}\n`;
    })
    .join('')
    .replace(/\n$/, '');
}

/** Resolves when the agent's line stands on the console. Rejects with the signal's reason. */
export function agentReady(file: string, signal: AbortSignal): Promise<void> {
  return lineSeen(file, (line) => line.trimEnd().endsWith(agentReadyLine), signal);
}

/** Resolves when a line of the console is what is waited for. The file need not be there yet, its folder must. */
export function lineSeen(file: string, isIt: (line: string) => boolean, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    // The folder, because conmon replaces the file.
    const watcher = watch(dirname(file), (_, name) => {
      if (name === null || name === basename(file)) void look();
    });
    const finish = (settle: () => void) => {
      watcher.close();
      signal.removeEventListener('abort', abort);
      settle();
    };
    const abort = () => finish(() => reject(signal.reason));
    const look = async () => {
      try {
        if ((await readConsole(file)).split('\n').some(isIt)) finish(resolve);
      } catch (error) {
        finish(() => reject(error));
      }
    };
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    else void look();
  });
}
