/** What Polydev must know about one AI tool. One file a provider implements it; nothing else may know a tool. */

import type { AccountInfo, ProviderId, ProviderInfo, RunEvent } from '@polydev/protocol';

/** Files of the home folder by relative path; what is absent is not in it. */
export type HomeFiles = Readonly<Record<string, string>>;

export type CredentialReading =
  | { status: 'valid'; account: AccountInfo }
  /** `absent`: nobody signed in. `incomplete`: half-written, look again. `blanked`: the tool ended the sign-in. */
  | { status: 'absent' | 'incomplete' | 'blanked' };

/** Where all of this happens in a sandbox. */
export const homeFolder = '/home/dev';

export interface RunOptions {
  /** Checked against the pattern of StartRun.model. */
  model?: string;
  kind: 'files' | 'api_key';
}

/** How to start the tool for one prompt, which goes to stdin. */
export interface RunCommand {
  argv: string[];
  env: Record<string, string>;
  /** Settings written before the start, relative to the home folder. No secrets. */
  files: { path: string; content: string }[];
}

/** Turns the tool's output lines into events. One parser a run. */
export interface RunParser {
  /** A line of stdout; `raw` is its JSON when it was JSON. Never throws, whatever the line is. */
  line(text: string): { events: RunEvent[]; raw?: unknown };
  /** In the place of a line that was too long to be taken. */
  dropped(): RunEvent[];
  /** After the process ended: the `finished` or `failure` event that is still owed, if any. `stderrTail` helps to tell why. */
  end(exitCode: number | null, stderrTail: string): RunEvent[];
}

export interface Provider {
  id: ProviderId;
  info: ProviderInfo;
  /** Credential files relative to the home folder, in the order they are sealed. */
  credentialFiles: readonly string[];
  /** Folders to watch, relative to the home folder; '' is the home folder itself. */
  watchedFolders: readonly string[];
  /**
   * Pure: of these files what a later run needs, and nothing else. Equal needs give equal text, packing twice changes
   * nothing, and the reading stays the same. Never throws.
   */
  pack(files: HomeFiles): HomeFiles;
  /** Pure: what these files amount to. Never throws. */
  readCredential(files: HomeFiles): CredentialReading;
  /** Files put into the home folder of a sign-in desktop before its terminal greets. */
  desktopFiles: readonly { path: string; content: string }[];
  /** Environment variable that carries an API key. */
  apiKeyVariable: string;
  run(options: RunOptions): RunCommand;
  createParser(): RunParser;
}
