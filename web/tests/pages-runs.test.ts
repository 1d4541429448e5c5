/** Runs: an answer as it comes, stopping, retrying, history, and the logs of a machine. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missingBrowser, setStage } from './fixture/browser.ts';
import { fullCredentials, fullRuns, runEvents, usage } from './fixture/data.ts';
import { connections } from './fixture/scenes/scene.ts';
import { scenes, stageScene } from './fixture/scenes.ts';
import { becomes, until } from './fixture/until.ts';

const options = { skip: missingBrowser, timeout: 120_000 };
const stage = setStage();

test('an answer streams in as Markdown, through a cut connection, to its end', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  fixture.state.credentials = fullCredentials(Date.now());
  await page.goto('/dashboard/runs');
  await page.getByLabel('Prompt', { exact: true }).fill('What is a proxy?');
  await page.keyboard.press('Control+Enter');
  await page.getByRole('button', { name: 'Stop' }).waitFor();
  const id = fixture.state.runs[0]?.id ?? '';
  const stream = fixture.runEvents(id);
  const events = runEvents('A **bold** answer');
  for (const event of events.slice(0, 6)) stream.add(event);
  await page.getByTestId('answer').locator('strong', { hasText: 'bold' }).waitFor();
  stream.cut();
  stream.add({ type: 'event', event: { type: 'text', text: ' goes on' } });
  await page.getByText('answer goes on').waitFor();
  for (const event of events.slice(6)) stream.add(event);
  Object.assign(fixture.state.runs[0] ?? {}, {
    state: 'succeeded',
    endedAtMs: Date.now(),
    answer: 'A **bold** answer goes on',
  });
  stream.end();
  await page.getByText(/1,204 tokens in, 389 out/).waitFor();
  await page.getByText('Read', { exact: true }).waitFor();
  assert.equal(await page.getByText('bold answer goes on').count(), 1);
});

test('of an answer that is very long the page shows the beginning, and copies the whole', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  fixture.state.credentials = fullCredentials(Date.now());
  fixture.state.runs = fullRuns(Date.now());
  const [run] = fixture.state.runs;
  assert.ok(run);
  const answer = `the beginning ${'and so on '.repeat(200_000)}the end`;
  Object.assign(run, { state: 'succeeded', reason: null, answer });
  const stream = fixture.runEvents(run.id);
  stream.add({ type: 'event', event: { type: 'text', text: answer } });
  stream.add({ type: 'state', state: 'succeeded', reason: null });
  stream.end();
  await page.goto(`/dashboard/runs/${run.id}`);
  await page.getByText('This is the beginning of a long answer').waitFor();
  assert.ok((await page.getByTestId('answer').innerText()).length < 250_000);
  // It is said for a moment, which a busy machine may miss.
  const said = page.evaluate(
    () =>
      new Promise<void>((resolve) =>
        new MutationObserver(() => document.querySelector('[aria-label=Copied]') && resolve()).observe(document, {
          subtree: true,
          attributeFilter: ['aria-label'],
        }),
      ),
  );
  await page.getByRole('button', { name: 'Copy the answer' }).click();
  await said;
  await becomes(() => page.evaluate(async () => (await navigator.clipboard.readText()).length), answer.length);
});

test('of a prompt of one megabyte the page shows the beginning', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  fixture.state.credentials = fullCredentials(Date.now());
  fixture.state.runs = fullRuns(Date.now());
  const [run] = fixture.state.runs;
  assert.ok(run);
  Object.assign(run, { prompt: 'pear '.repeat(200_000) });
  fixture.runEvents(run.id).end();
  await page.goto(`/dashboard/runs/${run.id}`);
  await page.getByText('This is the beginning of a long prompt: 20,000 of 1,000,000 characters.').waitFor();
  assert.ok((await page.getByRole('article', { name: 'Run' }).innerText()).length < 30_000);
});

test('where accounts cannot be read that is said, and trying again helps', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  await stageScene(scenes['runs-broken'], page, fixture);
  fixture.state.broken = {};
  fixture.state.credentials = fullCredentials(Date.now());
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText('What should Claude Code do?').waitFor();
});

test('a run that cannot be stopped says why', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  await stageScene(scenes['runs-starting'], page, fixture);
  const [run] = fixture.state.runs;
  fixture.state.broken[`POST /api/runs/${run?.id}/cancel`] = 'disk_full';
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.getByText('Free some disk space').waitFor();
});

test('a run can be stopped, and a failed one retried', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  fixture.state.credentials = fullCredentials(Date.now());
  fixture.state.runs = fullRuns(Date.now());
  fixture.runEvents('run_failedxxxxxxxxxxxxxx').end();
  await page.goto('/dashboard/runs/run_failedxxxxxxxxxxxxxx');
  await page.getByText('5-hour limit is reached').waitFor();
  // With it the accounts are there, of which one is asked again.
  await page.getByLabel('Prompt', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Retry' }).click();
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.getByText('Stopped.').waitFor();
  assert.deepEqual(fixture.posted[0]?.body, {
    provider: 'claude_code',
    credentialId: 'crd_claudexxxxxxxxxxxxxx',
    prompt: 'Summarise the last ten commits for a changelog',
  });
});

test('an answer can bring in neither script nor picture from elsewhere', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  const evil =
    '<img src=x onerror=alert(1)> ![seen](https://example.org/pixel.png) [go](javascript:alert(1)) <script>1</script>';
  fixture.state.credentials = fullCredentials(Date.now());
  fixture.state.runs = fullRuns(Date.now());
  Object.assign(fixture.state.runs[0] ?? {}, { answer: evil });
  for (const event of runEvents(evil)) fixture.runEvents('run_donexxxxxxxxxxxxxxxx').add(event);
  fixture.runEvents('run_donexxxxxxxxxxxxxxxx').end();
  await page.goto('/dashboard/runs/run_donexxxxxxxxxxxxxxxx');
  const answer = page.getByTestId('answer');
  await answer.getByRole('link', { name: 'seen' }).waitFor();
  assert.equal(await answer.locator('img, script').count(), 0);
  assert.equal(await answer.locator('a[href^=javascript]').count(), 0);
});

test('history is searched', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  fixture.state.credentials = fullCredentials(Date.now());
  fixture.state.runs = fullRuns(Date.now());
  await page.goto('/dashboard/runs');
  const items = page.getByRole('navigation', { name: 'Runs' }).getByRole('listitem');
  await items.first().waitFor();
  await page.getByPlaceholder('Search').fill('haiku gemini');
  await items.nth(1).waitFor({ state: 'detached' });
  assert.equal(await items.count(), 1);
  await page.getByPlaceholder('Search').fill('nothing like it');
  await page.getByText('Nothing here mentions').waitFor();
});

test('the history of one tool has its runs alone, until all are asked for', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  await stageScene(scenes['runs-of-one-tool'], page, fixture);
  const items = page.getByRole('navigation', { name: 'Runs' }).getByRole('listitem');
  await items.first().waitFor();
  const ofGemini = fixture.state.runs.filter(({ provider }) => provider === 'google_gemini').length;
  await becomes(() => items.count(), ofGemini);
  await items.first().click();
  await page.waitForURL(/runs\/run_/);
  assert.equal(await items.count(), ofGemini);
  await page.getByRole('button', { name: 'Show the runs of all tools' }).click();
  await items.nth(ofGemini).waitFor();
  assert.equal(await items.count(), fixture.state.runs.length);
});

test("on a phone, history opens without the phone's keyboard in front of it", options, async (t) => {
  const { page, fixture } = await stage.open(t, { width: 390, height: 844, touch: true });
  fixture.state.credentials = fullCredentials(Date.now());
  fixture.state.runs = fullRuns(Date.now());
  await page.goto('/dashboard/runs');
  await page.getByRole('button', { name: 'History' }).tap();
  await page.locator('[role=dialog]:focus').waitFor();
});

test('a run that failed shows the logs of its machine; where nothing is kept, that is said', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  await stageScene(scenes['runs-failed-logs'], page, fixture);
  await page.getByText('Console of its machine').click();
  await page.getByText('polydev-agent ready').waitFor();
  fixture.state.logs = null;
  await page.reload();
  await page.getByText('Console of its machine').click();
  await page.getByText('Nothing was kept of it').waitFor();
});

test('a run that begins elsewhere appears by itself, and so does its end, over one connection', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  fixture.state.credentials = fullCredentials(Date.now());
  const streams: string[] = [];
  page.on('request', (request) => {
    if (request.headers().accept === 'text/event-stream') streams.push(new URL(request.url()).pathname);
  });
  await page.goto(connections);
  const [begun] = fullRuns(Date.now());
  assert.ok(begun);
  fixture.state.runs = [{ ...begun, state: 'running', endedAtMs: null, prompt: 'Asked from a terminal' }];
  fixture.state.usage = [usage('claude_code', [0, 0, 0, 0, 0, 0, 1])];
  fixture.changes.add({ list: 'runs' });
  await page.getByText('Asked from a terminal').waitFor();
  await page.getByText('1 run this week').waitFor({ state: 'attached' });
  assert.deepEqual(streams, ['/api/changes']);
  // Behind another tab it is not followed, and makes up for it.
  const show = (visible: boolean) =>
    page.evaluate((hidden) => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
      document.dispatchEvent(new Event('visibilitychange'));
    }, !visible);
  await show(false);
  await until(() => fixture.changes.readers() === 0);
  fixture.state.runs = [{ ...begun, prompt: 'Asked meanwhile' }];
  await show(true);
  await page.getByText('Asked meanwhile').waitFor();
  fixture.changes.cut();
  fixture.state.runs = [];
  fixture.changes.add({ list: 'all' });
  await page.getByText('Asked meanwhile').waitFor({ state: 'detached' });
});
