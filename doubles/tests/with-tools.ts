/** A test with the real tools in front of fast doubles; skipped, with the reason, where there are none. */

import { type TestContext, test } from 'node:test';
import { type BehaviourOverrides, type Doubles, startDoubles } from '../index.ts';
import { type Bench, createBench, findTools, noToolsReason } from './tools.ts';
import { createVisitor, type Visitor } from './visitor.ts';

const timeout = 60_000;
const tools = findTools();

export interface Setting {
  t: TestContext;
  doubles: Doubles;
  bench: Bench;
  visitor: Visitor;
}

export function testWithTools(
  title: string,
  behaviour: BehaviourOverrides,
  body: (setting: Setting) => Promise<void>,
): void {
  test(title, { timeout, skip: tools ? false : noToolsReason }, async (t) => {
    if (!tools) return;
    const fast = { deltaMs: 0 };
    const doubles = await startDoubles({
      behaviour: {
        claude_code: { ...fast, ...behaviour.claude_code },
        openai_codex: { ...fast, ...behaviour.openai_codex },
        google_gemini: { ...fast, ...behaviour.google_gemini },
      },
    });
    t.after(() => doubles.close());
    const bench = await createBench(doubles, tools);
    t.after(() => bench.close());
    await body({ t, doubles, bench, visitor: createVisitor(doubles) });
  });
}
