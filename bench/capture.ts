/** Sign-in by the tool's own login: from when it saves its credential, as the file in the desktop says, until that is sealed. */

import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { ProviderId } from '@polydev/protocol';
import { providerOf } from '@polydev/providers';
import { homeFolder } from '@polydev/providers/provider';
import { type ConsentPage, consentPages, decide, enter, openDesktop } from '../e2e/desktop-sign-in.ts';
import { init, processesOf } from '../e2e/processes.ts';
import { openStage, type Stage } from '../e2e/stage.ts';
import { type Bench, spreadOf } from './result.ts';

interface Way {
  command: string;
  page: ConsentPage;
}

const ways = {
  claude_code: { command: 'claude auth login', page: consentPages.claudePlan },
  openai_codex: { command: 'codex login', page: consentPages.codex },
} as const satisfies Partial<Record<ProviderId, Way>>;

export const capture: Bench = async ({ rounds, say }) => {
  const stage = await openStage();
  const sealedMs: number[] = [];
  try {
    for (let round = 1; round <= rounds; round += 1)
      for (const provider of Object.keys(ways) as (keyof typeof ways)[]) {
        const tookMs = await measure(stage, provider, ways[provider], `round ${round}`);
        say(`round ${round}/${rounds}: ${provider} ${Math.round(tookMs)} ms`);
        sealedMs.push(tookMs);
      }
  } finally {
    await stage.strike();
  }
  return { results: { sealed: spreadOf(sealedMs) }, ratios: {} };
};

async function measure(stage: Stage, provider: ProviderId, way: Way, label: string): Promise<number> {
  const [file = ''] = providerOf(provider).credentialFiles;
  const { sessionId, sandboxId, keyboard } = await openDesktop(stage, provider, label);
  const [root] = processesOf(stage.product.paths, sandboxId, init);
  enter(keyboard, way.command);
  let tookMs: number | undefined;
  const sealed = async () => {
    for await (const { atMs, event } of stage.polydev.sessions.events(sessionId)) {
      if (event.type !== 'sealed') continue;
      // The desktop stays until the credential is proved.
      tookMs = atMs - statSync(join(`/proc/${root}/root`, homeFolder, file)).mtimeMs;
      return;
    }
  };
  await Promise.all([sealed(), decide(stage, keyboard, way.page, 'approve')]);
  const { state, reason } = await stage.ended(sessionId);
  if (state !== 'connected' || tookMs === undefined) throw new Error(`A sign-in ended ${state}: ${reason?.message}`);
  if (tookMs <= 0) throw new Error('It was saved once more before its file was looked at.');
  return tookMs;
}
