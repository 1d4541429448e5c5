/** Every page in every state, as pictures to be looked at: e2e/out/web. */

import { mkdir } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { createStage, missingBrowser, type Stage, type View } from './fixture/browser.ts';
import { fullCredentials, fullRuns, pastSessions, runEvents, session, signInEvents, tokens } from './fixture/data.ts';
import type { Fixture } from './fixture/server.ts';

const out = fileURLToPath(new URL('../../e2e/out/web/', import.meta.url));
const skip = missingBrowser;
let stage: Stage;

before(async () => {
  if (skip) return;
  await mkdir(out, { recursive: true });
  stage = await createStage();
});
after(() => stage?.close());

interface Scene {
  path: string;
  /** Before the page is opened. */
  arrange?(state: Fixture['state'], fixture: Fixture, nowMs: number): void;
  /** After it, until it is as the picture shall show it. */
  act?(page: Page, fixture: Fixture): Promise<void>;
}

const connections = '/dashboard/remote-cli';
const signInPath = `${connections}/auth?sessionId=ses_currentxxxxxxxxxxxxx`;

function signInUpTo(seconds: number, leftMs = 271_000) {
  return (state: Fixture['state'], fixture: Fixture, nowMs: number) => {
    const createdAtMs = nowMs - seconds * 1000;
    state.sessions = [session(createdAtMs, { expiresAtMs: nowMs + leftMs })];
    for (const [atSeconds, event] of signInEvents)
      if (atSeconds <= seconds) fixture.sessionEvents.add(event, createdAtMs + atSeconds * 1000);
  };
}

const live = (page: Page) => page.locator('[data-testid=viewer-state][data-state=live]').waitFor();
const failure = {
  code: 'proof_failed',
  message: 'The tool could not use the sign-in: this plan does not include Claude Code.',
  hint: 'Sign in again, and check that the account may use this tool.',
} as const;

const scenes: Record<string, Scene> = {
  setup: {
    path: '/setup#token=abc',
    arrange: (state) => Object.assign(state, { setupNeeded: true, me: null }),
  },
  'setup-no-token': { path: '/setup', arrange: (state) => Object.assign(state, { setupNeeded: true, me: null }) },
  login: { path: '/login', arrange: (state) => Object.assign(state, { me: null }) },
  'login-refused': {
    path: '/login',
    arrange: (state) => Object.assign(state, { me: null }),
    async act(page) {
      await page.getByLabel('Name').fill('Ada');
      await page.getByLabel('Password', { exact: true }).fill('wrong password');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('alert').waitFor();
    },
  },
  'connections-empty': { path: connections },
  'connections-full': {
    path: connections,
    arrange: (state, _, nowMs) => {
      state.credentials = fullCredentials(nowMs);
      state.runs = fullRuns(nowMs);
    },
  },
  'connections-signing-in': {
    path: connections,
    arrange: (state, _, nowMs) => {
      state.sessions = [session(nowMs - 130_000, { state: 'signing_in' })];
    },
  },
  'connections-menu': {
    path: connections,
    arrange: (state, _, nowMs) => {
      state.credentials = fullCredentials(nowMs);
    },
    act: async (page) => {
      await page.getByRole('button', { name: 'More for Claude Code' }).click();
      await page.getByRole('menuitem', { name: 'Disconnect' }).waitFor();
    },
  },
  'connections-api-key': {
    path: connections,
    act: async (page) => {
      await page.getByTestId('api-key-google_gemini').click();
      await page.getByRole('dialog').waitFor();
    },
  },
  'connections-loading': {
    path: connections,
    arrange: (state) => Object.assign(state.broken, { 'GET /api/providers': 'hang' }),
  },
  'connections-broken': {
    path: connections,
    arrange: (state) => Object.assign(state.broken, { 'GET /api/credentials': 'internal' }),
    act: (page) => page.getByRole('alert').waitFor(),
  },
  'connections-no-capacity': {
    path: connections,
    arrange: (state) => Object.assign(state.broken, { 'POST /api/auth/start': 'capacity' }),
    act: async (page) => {
      await page.getByTestId('connect-claude_code').click();
      await page.getByRole('alert').waitFor();
    },
  },
  'sign-in-starting': {
    path: signInPath,
    arrange(state, fixture, nowMs) {
      state.displayReady = false;
      signInUpTo(0.5)(state, fixture, nowMs);
    },
    act: (page) => page.getByText('Terminal open').waitFor(),
  },
  'sign-in-command': { path: signInPath, arrange: signInUpTo(2), act: live },
  'sign-in-page-open': { path: signInPath, arrange: signInUpTo(20), act: live },
  'sign-in-proving': { path: signInPath, arrange: signInUpTo(40), act: live },
  'sign-in-last-minute': { path: signInPath, arrange: signInUpTo(20, 42_000), act: live },
  'sign-in-keys': {
    path: signInPath,
    arrange: signInUpTo(20),
    async act(page) {
      await live(page);
      // On a touch screen they are there from the start.
      const ctrl = page.getByRole('button', { name: 'Ctrl' });
      if (!(await ctrl.isVisible())) await page.getByRole('button', { name: 'Keys', exact: true }).click();
      await ctrl.click();
    },
  },
  'sign-in-clipboard': {
    path: signInPath,
    arrange: signInUpTo(20),
    async act(page, fixture) {
      await live(page);
      await page.getByRole('button', { name: 'Clipboard' }).click();
      fixture.desktop()?.copy('https://claude.com/cai/oauth/authorize?code=true&client_id=9d1c250a');
      await page.getByText('client_id=9d1c250a').waitFor();
    },
  },
  'sign-in-reconnecting': {
    path: signInPath,
    arrange: signInUpTo(20),
    async act(page, fixture) {
      await live(page);
      fixture.state.broken['POST /api/auth/session/ses_currentxxxxxxxxxxxxx/ticket'] = 'internal';
      fixture.cutViewers();
      await page.getByText('try 3').waitFor();
    },
  },
  'sign-in-connected': {
    path: signInPath,
    arrange(state, fixture, nowMs) {
      signInUpTo(60)(state, fixture, nowMs);
      fixture.sessionEvents.end();
      Object.assign(state.sessions[0] ?? {}, {
        state: 'connected',
        endedAtMs: nowMs,
        credentialId: 'crd_claudexxxxxxxxxxxxxx',
      });
      state.credentials = fullCredentials(nowMs);
    },
    act: (page) => page.getByRole('heading', { name: 'Successfully connected' }).waitFor(),
  },
  'sign-in-failed': {
    path: signInPath,
    arrange(state, fixture, nowMs) {
      signInUpTo(40)(state, fixture, nowMs);
      fixture.sessionEvents.add({ type: 'state', state: 'failed', reason: failure });
      fixture.sessionEvents.add({ type: 'destroyed' });
      fixture.sessionEvents.end();
      Object.assign(state.sessions[0] ?? {}, { state: 'failed', endedAtMs: nowMs, reason: failure });
    },
    act: (page) => page.getByRole('heading', { name: 'The sign-in failed' }).waitFor(),
  },
  'sign-in-failed-open': {
    path: signInPath,
    arrange(state, fixture, nowMs) {
      scenes['sign-in-failed']?.arrange?.(state, fixture, nowMs);
    },
    async act(page) {
      await page.getByText('What happened').click();
      await page.getByText('polydev-agent ready').waitFor();
    },
  },
  'runs-empty': {
    path: '/dashboard/runs',
    arrange: (state, _, nowMs) => {
      state.credentials = fullCredentials(nowMs);
    },
    act: (page) => page.getByRole('heading', { name: 'What shall it do?' }).waitFor(),
  },
  'runs-none-connected': { path: '/dashboard/runs', act: (page) => page.getByText('Connect a tool first').waitFor() },
  'runs-answer': {
    path: '/dashboard/runs/run_donexxxxxxxxxxxxxxxx',
    arrange(state, fixture, nowMs) {
      state.credentials = fullCredentials(nowMs);
      state.runs = fullRuns(nowMs);
      for (const event of runEvents()) fixture.runEvents('run_donexxxxxxxxxxxxxxxx').add(event);
      fixture.runEvents('run_donexxxxxxxxxxxxxxxx').end();
    },
    act: (page) => page.getByRole('table').waitFor(),
  },
  'runs-answering': {
    path: '/dashboard/runs/run_donexxxxxxxxxxxxxxxx',
    arrange(state, fixture, nowMs) {
      state.credentials = fullCredentials(nowMs);
      state.runs = fullRuns(nowMs);
      Object.assign(state.runs[0] ?? {}, { state: 'running', answer: '', endedAtMs: null, createdAtMs: nowMs - 4000 });
      const stream = fixture.runEvents('run_donexxxxxxxxxxxxxxxx');
      for (const event of runEvents('A reverse proxy takes requests **in front of** your servers and').slice(0, 6))
        stream.add(event);
      stream.add({
        type: 'event',
        event: { type: 'tool', name: 'WebFetch', phase: 'started', summary: 'nginx.org/en/docs' },
      });
    },
    act: (page) => page.getByTestId('answer').locator('strong').waitFor(),
  },
  'runs-failed': {
    path: '/dashboard/runs/run_failedxxxxxxxxxxxxxx',
    arrange(state, fixture, nowMs) {
      state.credentials = fullCredentials(nowMs);
      state.runs = fullRuns(nowMs);
      fixture.runEvents('run_failedxxxxxxxxxxxxxx').end();
    },
    act: (page) => page.getByRole('button', { name: 'Retry' }).waitFor(),
  },
  'runs-long-prompt': {
    path: '/dashboard/runs',
    arrange: (state, _, nowMs) => {
      state.credentials = fullCredentials(nowMs);
      state.runs = fullRuns(nowMs);
    },
    async act(page) {
      await page
        .getByLabel('Prompt', { exact: true })
        .fill('Look at this:\n\n- one\n- two\n- three\n\nand tell me what is missing.');
      await page.getByRole('button', { name: /^Provider/ }).click();
      await page.getByRole('menuitemradio', { name: 'Codex' }).waitFor();
    },
  },
  'sessions-empty': { path: '/dashboard/sessions', act: (page) => page.getByText('No sign-in yet').waitFor() },
  'sessions-full': {
    path: '/dashboard/sessions',
    arrange: (state, _, nowMs) => {
      state.sessions = [session(nowMs - 40_000, { state: 'signing_in' }), ...pastSessions(nowMs)];
    },
    act: (page) => page.getByText('Ran out of time').waitFor(),
  },
  settings: {
    path: '/dashboard/settings',
    arrange: (state, _, nowMs) => {
      state.tokens = tokens(nowMs);
    },
    async act(page) {
      await page.getByLabel('Name of the new token').fill('build server');
      await page.getByRole('button', { name: 'Create token' }).click();
      await page.getByText('pdv_').waitFor();
    },
  },
  'not-found': { path: '/dashboard/nowhere', act: (page) => page.getByText('There is no page here').waitFor() },
};

const views: (View & { name: string })[] = [
  { name: '1440-light', width: 1440, height: 900 },
  { name: '1440-dark', width: 1440, height: 900, dark: true },
  { name: '1280-light', width: 1280, height: 800 },
  { name: '1280-dark', width: 1280, height: 800, dark: true },
  { name: '390-light', width: 390, height: 844, touch: true },
  { name: '390-dark', width: 390, height: 844, dark: true, touch: true },
];

for (const [name, scene] of Object.entries(scenes)) {
  test(`${name} looks like its pictures`, { skip, timeout: 120_000 }, async (t) => {
    for (const view of views) {
      const { page, fixture } = await stage.open(t, view);
      scene.arrange?.(fixture.state, fixture, Date.now());
      await page.goto(scene.path);
      await page.getByRole('heading').first().waitFor();
      await scene.act?.(page, fixture);
      // Fonts and the last frame.
      await page.evaluate(() => document.fonts.ready.then(() => undefined));
      await page.screenshot({ path: `${out}${name}-${view.name}.png` });
    }
  });
}
