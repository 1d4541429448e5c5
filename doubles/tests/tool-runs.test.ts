import assert from 'node:assert/strict';
import { piecesIn, placeAccount, readStored, runTool, toolCommands } from './tool-commands.ts';
import { testWithTools } from './with-tools.ts';

const prompt = 'Please say exactly polydev works well today.';
const answer = 'polydev works well today';

for (const command of toolCommands) {
  const { tool, provider, keyVariable, accountEnv, credentialFile } = command;
  /** Codex tells an answer only when it is whole. */
  const streams = tool !== 'codex';

  testWithTools(`${tool}: a run by account streams the answer`, {}, async ({ doubles, bench }) => {
    await placeAccount(bench, doubles, command);
    const outcome = await runTool(bench, command, prompt, accountEnv);
    assert.equal(outcome.code, 0, outcome.stdout + outcome.stderr);
    const pieces = piecesIn(command, outcome);
    assert.equal(pieces.join(''), answer);
    assert.ok(streams ? pieces.length > 1 : pieces.length === 1);
    assert.deepEqual(
      doubles.state.prompts.map((seen) => [seen.prompt.trim(), seen.via]),
      [[prompt, 'oauth']],
    );
    assert.deepEqual([...bench.proxy.strangers], []);
  });

  testWithTools(`${tool}: a run by API key streams the answer`, {}, async ({ doubles, bench }) => {
    const [key = ''] = doubles.state.apiKeys[provider];
    const outcome = await runTool(bench, command, prompt, { [keyVariable]: key });
    assert.equal(outcome.code, 0, outcome.stdout + outcome.stderr);
    assert.equal(piecesIn(command, outcome).join(''), answer);
    assert.deepEqual(
      doubles.state.prompts.map((seen) => [seen.prompt.trim(), seen.via]),
      [[prompt, 'api_key']],
    );
    assert.deepEqual([...bench.proxy.strangers], []);
  });

  testWithTools(`${tool}: a wrong API key fails in the provider's words`, {}, async ({ bench, doubles }) => {
    const [key = ''] = doubles.state.apiKeys[provider];
    const outcome = await runTool(bench, command, prompt, { [keyVariable]: `${key.slice(0, -3)}xyz` });
    assert.notEqual(outcome.code, 0);
    assert.match(outcome.stdout, /Invalid API key|Incorrect API key provided|API key not valid/);
    assert.deepEqual(doubles.state.prompts, []);
  });

  // Claude refreshes when less than five minutes are left, the others when none is.
  const accessTtlMs = tool === 'claude' ? 60_000 : -60_000;
  testWithTools(`${tool}: an expired access token is refreshed`, {}, async ({ bench, doubles }) => {
    const row = doubles.state.behaviour[provider];
    const usualMs = row.accessTtlMs;
    row.accessTtlMs = accessTtlMs;
    const placed = await placeAccount(bench, doubles, command);
    row.accessTtlMs = usualMs;

    const outcome = await runTool(bench, command, prompt, accountEnv);
    assert.equal(outcome.code, 0, outcome.stdout + outcome.stderr);
    const refreshToken = command.refreshTokenIn(await readStored(bench, credentialFile));
    assert.ok(refreshToken);
    assert.equal(refreshToken === placed.refreshToken, provider === 'google_gemini');
    assert.equal(typeof doubles.state.tokens.refresh(provider, refreshToken), 'object');
  });

  testWithTools(`${tool}: a refresh token used by another ends the sign-in`, {}, async ({ bench, doubles }) => {
    const row = doubles.state.behaviour[provider];
    row.accessTtlMs = accessTtlMs;
    row.token = 'rotated';
    await placeAccount(bench, doubles, command);
    const outcome = await runTool(bench, command, prompt, accountEnv);
    assert.notEqual(outcome.code, 0);
    assert.match(
      outcome.stdout + outcome.stderr,
      /session expired and could not be refreshed|refresh token was already used|Manual authorization is required/,
    );
    assert.deepEqual(doubles.state.prompts, []);
    // Claude blanks its file; the others leave theirs.
    assert.equal(command.refreshTokenIn(await readStored(bench, credentialFile)) === '', tool === 'claude');
  });

  testWithTools(`${tool}: a limit is reported as one`, { [provider]: { model: '429' } }, async ({ bench, doubles }) => {
    await placeAccount(bench, doubles, command);
    const outcome = await runTool(bench, command, prompt, accountEnv);
    assert.notEqual(outcome.code, 0);
    assert.match(outcome.stdout, /5-hour limit|hit your usage limit|exhausted your daily quota/);
  });
}
