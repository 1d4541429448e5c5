/** An agent on a scratch folder and free ports, run by the present user, and a client that checks what it answers. */

import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { boxContexts, type Claim, Claimed, type CredentialBundle, type Preparation } from '@polydev/protocol';
import { providers } from '@polydev/providers';
import { createKeyPair, openSealed, sealTo } from '@polydev/vault/box';
import type { Static, TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { startAgent } from '../agent.ts';
import type { AgentConfig } from '../config.ts';

export const token = 'a token of the test, long enough to be one';

/** Of this process alone: what has it in its environment is killed, whichever agent of this machine started it. */
export const ownExec = (id: string) => `${id}_${process.pid}`;

export function scratchFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'polydev-guest-'));
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}

export function scratchConfig(folder: string, changes: Partial<AgentConfig> = {}): AgentConfig {
  const { uid, gid, username } = userInfo();
  const home = join(folder, 'home');
  mkdirSync(home, { recursive: true });
  mkdirSync(join(folder, 'pts'), { recursive: true });
  writeFileSync(join(folder, 'roots.pem'), 'the roots of the system\n');
  return {
    version: '0.0.0',
    profile: 'desktop',
    token,
    listen: { host: '127.0.0.1', port: 0 },
    proxy: { host: '127.0.0.1', port: 0 },
    owner: { name: username, uid, gid },
    home,
    workFolder: 'work',
    environment: { PATH: `${join(folder, 'bin')}:${process.env.PATH}`, FROM_IMAGE: 'yes' },
    runFolder: join(folder, 'run'),
    systemRoots: join(folder, 'roots.pem'),
    zoneFolder: '/usr/share/zoneinfo',
    localTime: join(folder, 'localtime'),
    display: { name: ':1', socket: join(folder, 'x', 'rfb.sock') },
    terminals: join(folder, 'pts'),
    journalctl: join(folder, 'bin', 'journalctl'),
    console: join(folder, 'console'),
    ...changes,
  };
}

/** A program of that name on the agent's PATH. */
export function writeProgram(folder: string, name: string, script: string): void {
  mkdirSync(join(folder, 'bin'), { recursive: true });
  const path = join(folder, 'bin', name);
  writeFileSync(path, script);
  chmodSync(path, 0o755);
}

export async function startScratchAgent(t: TestContext, changes: Partial<AgentConfig> = {}) {
  const folder = scratchFolder(t);
  // Most tests want no follower of windows; a program of this name may be put in its place.
  writeProgram(folder, 'xprop', '#!/bin/sh\nexec sleep 600\n');
  const config = scratchConfig(folder, changes);
  const logged: string[] = [];
  const agent = await startAgent(config, { providers, log: (message, error) => logged.push(`${message} ${error}`) });
  t.after(() => agent.stop());
  return { agent, config, folder, home: config.home, logged, ...createClient(agent.port) };
}

export type ScratchAgent = Awaited<ReturnType<typeof startScratchAgent>>;

export function createClient(port: number) {
  const controller = createKeyPair();
  let prepared = false;
  const headers = { authorization: `Bearer ${token}` };
  const url = (path: string) => `http://127.0.0.1:${port}${path}`;

  function call(method: string, path: string, body?: unknown): Promise<Response> {
    return fetch(url(path), { method, headers, body: body === undefined ? null : JSON.stringify(body) });
  }

  return {
    port,
    call,
    /** The answer of a request that must go well and fit the schema. */
    async ask<T extends TSchema>(schema: T, method: string, path: string, body?: unknown): Promise<Static<T>> {
      const answer = await call(method, path, body);
      const value: unknown = await answer.json();
      if (!answer.ok || !Value.Check(schema, value)) throw new Error(`${answer.status} ${JSON.stringify(value)}`);
      return value;
    },
    /** Events as they come, each checked, until the stream ends or the reader stops. */
    async *stream<T extends TSchema>(schema: T, path: string): AsyncGenerator<Static<T>> {
      const [answer]: IncomingMessage[] = await once(get(url(path), { headers }), 'response');
      if (answer?.statusCode !== 200) throw new Error(`${answer?.statusCode}`);
      answer.on('error', () => {});
      try {
        for await (const line of createInterface({ input: answer })) {
          const event: unknown = JSON.parse(line);
          if (!Value.Check(schema, event)) throw new Error(`does not fit: ${line.slice(0, 200)}`);
          yield event;
        }
      } finally {
        answer.destroy();
      }
    },
    /** Once; later calls are without effect. */
    async prepare({ egress = { host: '127.0.0.1', port: 9 }, ...changes }: Partial<Preparation> = {}) {
      if (prepared) return;
      const answer = await call('POST', '/prepare', { egress, ...changes });
      if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
      prepared = true;
    },
    async claim({ egress, extraCa, timeZone, ...changes }: Partial<Claim & Preparation> = {}) {
      await this.prepare({ ...(egress && { egress }), ...(extraCa && { extraCa }), ...(timeZone && { timeZone }) });
      const { agentPublicKey } = await this.ask(Claimed, 'POST', '/claim', {
        provider: 'claude_code',
        controllerPublicKey: controller.publicKey,
        capture: false,
        ...changes,
      });
      return {
        open: (sealed: Parameters<typeof openSealed>[1]): CredentialBundle =>
          JSON.parse(Buffer.from(openSealed(controller.privateKey, sealed, boxContexts.toController)).toString()),
        seal: (bundle: CredentialBundle) =>
          sealTo(agentPublicKey, Buffer.from(JSON.stringify(bundle)), boxContexts.toAgent),
      };
    },
  };
}
