/** Doubles that answer without pauses, closed when the test ends. */

import type { TestContext } from 'node:test';
import { providerIds } from '@polydev/protocol';
import { type Doubles, type DoublesOptions, startDoubles } from '../index.ts';
import { createVisitor, type Visitor } from './visitor.ts';

export async function startFastDoubles(
  t: TestContext,
  options: DoublesOptions = {},
): Promise<{ doubles: Doubles; visitor: Visitor }> {
  const behaviour = Object.fromEntries(
    providerIds.map((provider) => [provider, { deltaMs: 0, ...options.behaviour?.[provider] }]),
  );
  const doubles = await startDoubles({ ...options, behaviour });
  t.after(() => doubles.close());
  return { doubles, visitor: createVisitor(doubles) };
}
