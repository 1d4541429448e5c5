/** Colours for code, by class names alone: the page's policy refuses styles in HTML. */

import { toJsxRuntime } from 'hast-util-to-jsx-runtime';
import { common, createLowlight } from 'lowlight';
import type { ReactNode } from 'react';
import { Fragment, jsx, jsxs } from 'react/jsx-runtime';

const lowlight = createLowlight(common);

/** More than this is shown without colours, so that a page never waits for them. */
const mostCharacters = 40_000;

/** Null when the language is not known. */
export function highlight(text: string, language: string | null): ReactNode | null {
  if (language === null || text.length > mostCharacters || !lowlight.registered(language)) return null;
  return toJsxRuntime(lowlight.highlight(language, text), { Fragment, jsx, jsxs });
}
