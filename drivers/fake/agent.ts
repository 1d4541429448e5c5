/**
 * An agent without a sandbox: speaks protocol/agent.ts on a port of this machine, does what a test tells it, and
 * keeps what it was asked. It seals and opens boxes as the real one does.
 */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type AccountInfo,
  type AgentEvent,
  type AgentHealth,
  boxContexts,
  Claim,
  type Claimed,
  type CollectedCredential,
  CredentialBundle,
  type DesktopPart,
  type Endpoint,
  ExecRequest,
  PolydevError,
  Preparation,
  RestoreCredential,
  rfbUpgrade,
  type SandboxSpec,
  type SealedBox,
  toPolydevError,
} from '@polydev/protocol';
import type { Static, TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { createFakeDisplay, type FakeDisplay } from './display.ts';
import { createFakeExecutions, type ExecHandler } from './executions.ts';
import { createNumberedLog } from './numbered-log.ts';

export type { ExecHandler, FakeProcess } from './executions.ts';

/** `@polydev/vault/box` has this shape; drivers may not import it. */
export interface Box {
  createKeyPair(): { publicKey: string; privateKey: string };
  sealTo(publicKey: string, plaintext: Uint8Array, context: string): SealedBox;
  openSealed(privateKey: string, box: SealedBox, context: string): Uint8Array;
}

/** What `POST /credential/collect` finds. */
export interface Held {
  status: CollectedCredential['status'];
  bundle?: CredentialBundle;
  account?: AccountInfo;
  changed: boolean;
}

export interface FakeAgent {
  readonly spec: SandboxSpec;
  readonly endpoint: Endpoint;
  /** What the controller told every sandbox. */
  readonly preparation: Preparation | undefined;
  /** Undefined until the claim. */
  readonly claim: Claim | undefined;
  readonly claimed: Promise<Claim>;
  /** What the controller restored last, opened. */
  readonly restored: CredentialBundle | undefined;
  readonly executions: readonly ExecRequest[];
  readonly display: FakeDisplay;
  emitDesktop(part: DesktopPart, up: boolean): void;
  emitOpened(page: string): void;
  /** How its terminal says from now on how long it has been silent. */
  setPrinted(agoMs: () => number): void;
  /** As if the tool had saved it just now. Needs a claim. */
  emitCredential(bundle: CredentialBundle, account?: AccountInfo): void;
  /** What the credential's files hold from now on. */
  hold(held: Held): void;
  /** As if the tool had renewed what was restored: it says so at once. */
  renew(bundle: CredentialBundle): void;
  onExec(handler: ExecHandler): void;
  /** What stands in the journal from now on. */
  setJournal(text: string): void;
  /** Breaks every connection and answers nothing more. */
  close(): Promise<void>;
  /** Requests wait from now on, or go on. */
  setPaused(paused: boolean): void;
}

const version = 'fake';
const picture = { width: 64, height: 48 };

export async function startFakeAgent(spec: SandboxSpec, box: Box): Promise<FakeAgent> {
  const keys = box.createKeyPair();
  const events = createNumberedLog<AgentEvent>();
  const executions = createFakeExecutions();
  const display = createFakeDisplay(picture);
  const desktop = new Set<DesktopPart>();
  const claimed = Promise.withResolvers<Claim>();
  let preparation: Preparation | undefined;
  let claim: Claim | undefined;
  let restored: CredentialBundle | undefined;
  let held: Held = { status: 'absent', changed: false };
  let printed: (() => number) | undefined;
  let journal = 'polydev systemd[1]: Reached target polydev-desktop.target.\n';
  let resumed: PromiseWithResolvers<void> | undefined;

  function required(): Claim {
    if (!claim) throw new PolydevError('unavailable', 'This sandbox is not claimed yet.');
    return claim;
  }

  function seal(bundle: CredentialBundle): SealedBox {
    return box.sealTo(required().controllerPublicKey, Buffer.from(JSON.stringify(bundle)), boxContexts.toController);
  }

  function prepare(next: Preparation): void {
    if (preparation) throw new PolydevError('already_done', 'This sandbox is prepared.');
    preparation = next;
  }

  function acceptClaim(next: Claim): Claimed {
    if (!preparation) throw new PolydevError('unavailable', 'This sandbox is not prepared yet.');
    if (claim) throw new PolydevError('already_done', 'This sandbox is claimed.');
    claim = next;
    claimed.resolve(next);
    return { agentPublicKey: keys.publicKey };
  }

  function restore(sealed: SealedBox): void {
    required();
    const text = Buffer.from(box.openSealed(keys.privateKey, sealed, boxContexts.toAgent)).toString();
    restored = Value.Parse(CredentialBundle, JSON.parse(text));
    held = { status: 'valid', bundle: restored, changed: false };
  }

  function collect(): CollectedCredential {
    required();
    const { status, bundle, account, changed } = held;
    return { status, changed, ...(bundle && { sealed: seal(bundle) }), ...(account && { account }) };
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    await resumed?.promise;
    admit(request);
    const url = new URL(request.url ?? '/', 'http://agent');
    const after = Number(url.searchParams.get('after') ?? 0);
    const id = /^\/exec\/([^/]+)/.exec(url.pathname)?.[1] ?? '';
    switch (`${request.method} ${id ? url.pathname.replace(id, ':id') : url.pathname}`) {
      case 'GET /health':
        return send(response, 200, health());
      case 'POST /prepare':
        prepare(await bodyOf(request, Preparation));
        return send(response, 204);
      case 'POST /claim':
        return send(response, 200, acceptClaim(await bodyOf(request, Claim)));
      case 'GET /events':
        return events.stream(response, after);
      case 'POST /credential/restore':
        restore((await bodyOf(request, RestoreCredential)).sealed);
        return send(response, 204);
      case 'POST /credential/collect':
        return send(response, 200, collect());
      case 'POST /exec':
        required();
        executions.start(await bodyOf(request, ExecRequest));
        return send(response, 202);
      case 'GET /exec/:id/events':
        return executions.log(id).stream(response, after);
      case 'DELETE /exec':
        await executions.stopAll();
        return send(response, 204);
      case 'DELETE /exec/:id':
        executions.cancel(id);
        return send(response, 204);
      case 'GET /journal':
        return send(response, 200, { text: journal });
      default:
        throw new PolydevError('not_found', 'The agent has no such route.');
    }
  }

  function health(): AgentHealth {
    const known = { version, profile: spec.profile, claimed: claim !== undefined, desktop: [...desktop] };
    return { ...known, ...(printed && { printedAgoMs: printed() }) };
  }

  function admit(request: IncomingMessage): void {
    if (request.headers.authorization !== `Bearer ${spec.token}`)
      throw new PolydevError('not_signed_in', 'The agent does not know this token.');
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      const { status, code, message } = toPolydevError(error);
      if (response.headersSent) response.destroy();
      else send(response, status, { error: { code, message } });
    });
  });
  server.on('upgrade', (request, socket) => {
    const { upgrade, authorization } = request.headers;
    if (authorization !== `Bearer ${spec.token}` || request.url !== '/rfb' || upgrade !== rfbUpgrade)
      return socket.end('HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${rfbUpgrade}\r\n\r\n`);
    display.serve(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  return {
    spec,
    endpoint: { host: '127.0.0.1', port },
    get preparation() {
      return preparation;
    },
    get claim() {
      return claim;
    },
    claimed: claimed.promise,
    get restored() {
      return restored;
    },
    executions: executions.requests,
    display,
    emitDesktop(part, up) {
      if (up) desktop.add(part);
      else desktop.delete(part);
      events.append({ type: 'desktop', part, up });
    },
    emitOpened: (page) => events.append({ type: 'opened', page }),
    emitCredential(bundle, account = {}) {
      held = { status: 'valid', bundle, account, changed: false };
      events.append({ type: 'credential', seenAtMs: Date.now(), sealed: seal(bundle), account });
    },
    hold(next) {
      held = next;
    },
    renew(bundle) {
      held = { status: 'valid', bundle, changed: true };
      events.append({ type: 'renewed' });
    },
    onExec: executions.handle,
    setJournal(text) {
      journal = text;
    },
    setPrinted(agoMs) {
      printed = agoMs;
    },
    async close() {
      executions.close();
      resumed?.resolve();
      display.close();
      server.closeAllConnections();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
    setPaused(paused) {
      if (paused) resumed ??= Promise.withResolvers<void>();
      else {
        resumed?.resolve();
        resumed = undefined;
      }
    },
  };
}

async function bodyOf<T extends TSchema>(request: IncomingMessage, schema: T): Promise<Static<T>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  if (!Value.Check(schema, value)) throw new PolydevError('invalid_request', 'The body does not fit.');
  return value;
}

function send(response: ServerResponse, status: number, body?: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(body === undefined ? '' : JSON.stringify(body));
}
