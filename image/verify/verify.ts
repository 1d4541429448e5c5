/** Says whether an image may be used: every check, and a sentence for each that fails. */

import { readRecipe } from '../recipe.ts';
import { checks } from './checks.ts';
import { createSubject } from './subject.ts';

export interface Failure {
  check: string;
  /** What is wrong, for a person. */
  sentence: string;
}

/** Needs root: programs run inside the image, in namespaces of their own. Changes nothing in it. */
export async function verifyImage(rootfs: string, recipe = readRecipe()): Promise<Failure[]> {
  const subject = createSubject(rootfs, recipe);
  const found = await Promise.all(
    Object.entries(checks).map(async ([check, ask]) => {
      const sentences = await ask(subject);
      return sentences.map((sentence) => ({ check, sentence }));
    }),
  );
  return found.flat();
}
