/** Signs in to a tool in its desktop with nothing but a keyboard: RFB events instead of a browser around it. */

import type { AuthSession, ProviderId, SessionId } from '@polydev/protocol';
import { createShell, type Shell } from './desktop-shell.ts';
import { pressUntil } from './press-until.ts';
import type { Keyboard } from './rfb-keys.ts';
import { type Picture, shareOf } from './rfb-picture.ts';
import type { Stage } from './stage.ts';

const consentMs = 120_000;

export interface Desktop {
  sessionId: SessionId;
  sandboxId: string;
  keyboard: Keyboard;
  shell: Shell;
}

/** The terminal's background in the golden image; it fills the screen when the terminal is in front. */
const terminalColour = { r: 0x16, g: 0x18, b: 0x1d };
export const isTerminal = (picture: Picture) => shareOf(picture, terminalColour) > 0.5;
/** In the panel at the bottom, from the left. */
const terminalButton = { x: 100, fromBottom: 16 };

export interface ConsentPage {
  host: string;
  path: string;
}

export const consentPages = {
  claudePlan: { host: 'claude.com', path: '/cai/oauth/authorize' },
  claudeConsole: { host: 'platform.claude.com', path: '/oauth/authorize' },
  codex: { host: 'auth.openai.com', path: '/oauth/authorize' },
} as const satisfies Record<string, ConsentPage>;

/** A desktop whose terminal and browser are up, with the keyboard in the terminal, and with time enough on any machine. */
export async function openDesktop(stage: Stage, provider: ProviderId, label?: string): Promise<Desktop> {
  const request = { provider, ...(label !== undefined && { label }) };
  const { sessionId } = await stage.polydev.sessions.start(request);
  await stage.polydev.sessions.extend(sessionId);
  for (const part of ['terminal', 'browser'] as const) await stage.comesUp(sessionId, part);
  const { sandboxId } = await stage.polydev.sessions.get(sessionId);
  if (sandboxId === null) throw new Error('The sign-in has no sandbox.');
  const keyboard = await stage.keyboard(sessionId);
  keyboard.click();
  const shell = createShell(stage, sessionId);
  for (const line of shell.lines) enter(keyboard, line);
  await shell.prompted();
  return { sessionId, sandboxId, keyboard, shell };
}

export function enter(keyboard: Keyboard, line: string): void {
  keyboard.type(line);
  keyboard.press('Enter');
}

/** When the tool has given up: back from the browser to the terminal, to try again. */
export async function enterAgain(stage: Stage, { sessionId, keyboard, shell }: Desktop, line: string): Promise<void> {
  await shell.prompted();
  keyboard.click({ x: terminalButton.x, y: keyboard.screen.height - terminalButton.fromBottom });
  await stage.looks(sessionId, isTerminal);
  enter(keyboard, line);
}

/** On the page that the tool has opened in the desktop's browser. */
export async function decide(stage: Stage, keyboard: Keyboard, page: ConsentPage, decision: 'approve' | 'deny') {
  await stage.seen(({ method, host, path }) => method === 'GET' && host === page.host && path === page.path, consentMs);
  const posted = (path: string) => path === `${page.path}/consent`;
  const decided = stage.seen(
    ({ method, host, path }) => method === 'POST' && host === page.host && posted(path),
    consentMs,
  );
  // The page takes both wherever its focus is, which on a busy machine comes late.
  await pressUntil(decided, () => (decision === 'approve' ? keyboard.press('Enter') : keyboard.type('d')));
}

/** The whole way; resolves when the desktop is gone. */
export async function signIn(
  stage: Stage,
  options: { provider: ProviderId; command: string; page: ConsentPage; label?: string },
): Promise<AuthSession> {
  const { sessionId, keyboard } = await openDesktop(stage, options.provider, options.label);
  enter(keyboard, options.command);
  await decide(stage, keyboard, options.page, 'approve');
  return await stage.ended(sessionId);
}
