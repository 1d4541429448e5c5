/** Stands in for OpenAI's sign-in by a code that is typed on another device. */

import { randomBytes, randomInt } from 'node:crypto';
import { html } from './authorize.ts';
import { codexAsks, codexClientId, codexIssuer, codexLook } from './codex.ts';
import { consentPage } from './consent-page.ts';
import { fieldsOf, textOf } from './fields.ts';
import { challengeOf } from './grants.ts';
import { refuse } from './model.ts';
import { messagePage } from './pages.ts';
import { at, type Part } from './part.ts';

const provider = 'openai_codex';
const host = 'auth.openai.com';
const apiPath = '/api/accounts/deviceauth';
const pagePath = '/codex/device';
const lifeMs = 15 * 60_000;
const scope = 'openid profile email offline_access';
const letters = 'BCDFGHJKLMNPQRSTVWXZ';

interface Device {
  id: string;
  expiresAtMs: number;
  decision: 'pending' | 'approved' | 'denied';
}

function newUserCode(): string {
  const pick = () => letters[randomInt(letters.length)];
  return `${Array.from({ length: 4 }, pick).join('')}-${Array.from({ length: 5 }, pick).join('')}`;
}

const error = (status: number, code: string, message: string) => ({ status, body: { error: { code, message } } });

export function addCodexDevice({ server, state, grants }: Part): void {
  const devices = new Map<string, Device>();

  server.post(`${apiPath}/usercode`, at(host), (request, reply) => {
    if (textOf(fieldsOf(request.body), 'client_id') !== codexClientId)
      return refuse(reply, error(401, 'invalid_client', 'This client is not known.'));
    const userCode = newUserCode();
    const expiresAtMs = Date.now() + lifeMs;
    devices.set(userCode, { id: `deviceauth_${randomBytes(16).toString('hex')}`, expiresAtMs, decision: 'pending' });
    return reply.send({
      device_auth_id: devices.get(userCode)?.id,
      user_code: userCode,
      interval: '1',
      expires_at: new Date(expiresAtMs).toISOString(),
    });
  });

  server.post(`${apiPath}/token`, at(host), (request, reply) => {
    const body = fieldsOf(request.body);
    const device = devices.get(textOf(body, 'user_code'));
    if (!device || device.id !== textOf(body, 'device_auth_id'))
      return refuse(reply, error(404, 'deviceauth_unknown', 'This device code is not known.'));
    if (device.expiresAtMs <= Date.now() || device.decision === 'denied')
      return refuse(reply, error(400, 'deviceauth_denied', 'The sign-in was denied or took too long.'));
    if (device.decision === 'pending')
      return refuse(reply, error(403, 'deviceauth_authorization_pending', 'Nobody has approved this sign-in yet.'));
    devices.delete(textOf(body, 'user_code'));
    const codeVerifier = randomBytes(48).toString('base64url');
    const codeChallenge = challengeOf(codeVerifier);
    const code = grants.approve({
      provider,
      clientId: codexClientId,
      redirectUri: `${codexIssuer}/deviceauth/callback`,
      scope,
      codeChallenge,
    });
    return reply.send({ authorization_code: code, code_challenge: codeChallenge, code_verifier: codeVerifier });
  });

  server.get(pagePath, at(host), (_request, reply) =>
    html(
      reply,
      200,
      consentPage({
        look: codexLook,
        account: state.accounts[provider],
        tool: 'Codex on another device',
        asks: codexAsks,
        action: pagePath,
        hidden: {},
        askForCode: true,
      }),
    ),
  );

  server.post(pagePath, at(host), (request, reply) => {
    const body = fieldsOf(request.body);
    const device = devices.get(textOf(body, 'user_code').trim().toUpperCase());
    if (!device)
      return html(reply, 400, messagePage(codexLook, 'This code is not known', 'Go back and type it again.'));
    device.decision = textOf(body, 'decision') === 'approve' ? 'approved' : 'denied';
    const title = device.decision === 'approved' ? 'Your device is signed in' : 'Not approved';
    return html(reply, 200, messagePage(codexLook, title, 'You can close this page and return to the terminal.'));
  });
}
