/** Tells an idle sandbox what it is for: first what is the same for all of them, then whose it is. Each happens once. */

import { join } from 'node:path';
import {
  type AgentEvent,
  type AgentHealth,
  boxContexts,
  type Claim,
  type Claimed,
  CredentialBundle,
  PolydevError,
  type Preparation,
  type ProviderId,
  type SealedBox,
} from '@polydev/protocol';
import type { Provider } from '@polydev/providers/provider';
import { createKeyPair, openSealed, sealTo } from '@polydev/vault/box';
import { Value } from 'typebox/value';
import { startCapture } from '../capture/capture.ts';
import { type Credential, createCredential } from '../capture/credential.ts';
import type { AgentConfig } from '../config.ts';
import type { Forwarder } from '../egress/forwarder.ts';
import type { EventLog } from '../events/event-log.ts';
import type { HomeFolder } from '../home/home-files.ts';
import type { Log } from '../log.ts';
import { checkCertificate, writeCertificates } from './certificates.ts';
import { greeting } from './greeting.ts';
import { putFile } from './put-file.ts';
import { setTimeZone } from './time-zone.ts';

/** What exists from the claim on. */
export interface ClaimedSandbox {
  credential: Credential;
  /** Undefined unless a sign-in is watched for. */
  capture(): AgentHealth['capture'];
  seal(bundle: CredentialBundle): SealedBox;
  /** Gives it to the tool, and from then on says when the tool has renewed it. */
  restore(box: SealedBox): void;
  stop(): void;
}

export interface Claims {
  prepare(preparation: Preparation): void;
  /** Throws `unavailable` before it is prepared. */
  claim(claim: Claim): Claimed;
  readonly current: ClaimedSandbox | undefined;
  /** Throws `unavailable` before the claim. */
  required(): ClaimedSandbox;
}

export function createClaims(deps: {
  config: AgentConfig;
  providers: Readonly<Record<ProviderId, Provider>>;
  home: HomeFolder;
  events: EventLog<AgentEvent>;
  forwarder: Forwarder;
  now: () => number;
  log: Log;
}): Claims {
  const { config, home, events } = deps;
  const keys = createKeyPair();
  let prepared = false;
  let current: ClaimedSandbox | undefined;

  function seal(receiver: string, bundle: CredentialBundle): SealedBox {
    return sealTo(receiver, Buffer.from(JSON.stringify(bundle)), boxContexts.toController);
  }

  function open(provider: ProviderId, box: SealedBox): CredentialBundle {
    const bundle = parseJson(Buffer.from(openSealed(keys.privateKey, box, boxContexts.toAgent)).toString());
    if (!Value.Check(CredentialBundle, bundle) || bundle.provider !== provider)
      throw new PolydevError('invalid_request', 'The box does not hold a credential of this provider.');
    return bundle;
  }

  /** Throws when not even the first watches can be laid: the sign-in would never be noticed. */
  function prepareDesktop(claim: Claim, provider: Provider, credential: Credential) {
    let blind = false;
    for (const { path, content } of provider.desktopFiles) home.write(path, content);
    const capture = startCapture({
      home,
      provider,
      credential,
      now: deps.now,
      found: (snapshot, seenAtMs) => {
        const { reading, bundle } = snapshot;
        if (reading.status !== 'valid') return;
        credential.know(snapshot);
        const sealed = seal(claim.controllerPublicKey, bundle);
        events.append({ type: 'credential', seenAtMs, sealed, account: reading.account });
      },
      failed(error) {
        blind = true;
        deps.log('the credential cannot be watched for', error);
      },
    });
    if (blind) {
      capture.close();
      throw new PolydevError('host_lacks', 'The host gives the sandbox no file watchers, so no sign-in can be seen.');
    }
    putFile(join(config.runFolder, 'greeting'), greeting(provider.info));
    return { close: () => capture.close(), state: () => (blind ? 'blind' : 'watching') } as const;
  }

  /** A watch that is refused costs nothing but the moment: it is collected at the end too. */
  function watchRenewal(provider: Provider, credential: Credential) {
    return startCapture({
      home,
      provider,
      credential,
      now: deps.now,
      found: () => events.append({ type: 'renewed' }),
      failed: (error) => deps.log('a renewed credential cannot be watched for', error),
    });
  }

  return {
    prepare({ egress, extraCa, timeZone }) {
      if (prepared) throw new PolydevError('already_done', 'This sandbox is prepared.');
      if (extraCa !== undefined) checkCertificate(extraCa);
      writeCertificates({ ...config, extraCa });
      if (timeZone !== undefined) setTimeZone({ ...config, zone: timeZone });
      deps.forwarder.open(egress);
      prepared = true;
    },
    claim(claim) {
      if (!prepared) throw new PolydevError('unavailable', 'This sandbox is not prepared yet.');
      if (current) throw new PolydevError('already_done', 'This sandbox is claimed.');
      // Throws for what is not a key, before anything is changed.
      sealTo(claim.controllerPublicKey, Buffer.alloc(0), boxContexts.toController);

      const provider = deps.providers[claim.provider];
      const credential = createCredential(home, provider);
      const capture = claim.capture ? prepareDesktop(claim, provider, credential) : undefined;
      let renewal: { close(): void } | undefined;
      current = {
        credential,
        capture: () => capture?.state(),
        seal: (bundle) => seal(claim.controllerPublicKey, bundle),
        restore(box) {
          const bundle = open(claim.provider, box);
          credential.restore(bundle);
          if (bundle.kind === 'files' && !capture) renewal ??= watchRenewal(provider, credential);
        },
        stop() {
          capture?.close();
          renewal?.close();
        },
      };
      return { agentPublicKey: keys.publicKey };
    },
    get current() {
      return current;
    },
    required() {
      if (!current) throw new PolydevError('unavailable', 'This sandbox is not claimed yet.');
      return current;
    },
  };
}

/** Undefined for what is not JSON: the parser's error would quote it. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
