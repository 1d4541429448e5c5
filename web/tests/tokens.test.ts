import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

const css = await readFile(new URL('../src/styles.css', import.meta.url), 'utf8');
const rootCss = /:root \{([^}]*)\}/.exec(css)?.[1] ?? '';

type Colour = [number, number, number];

/** A token has one colour for both themes, or `light-dark(one, other)`. */
function tokensOf(theme: 'light' | 'dark'): Record<string, Colour> {
  return Object.fromEntries(
    [...rootCss.matchAll(/--([\w-]+): (.*);/g)].map(([, name = '', value = '']) => {
      const colours = [...value.matchAll(/oklch\(([\d.]+) ([\d.]+) ([\d.]+)/g)];
      const [, l, c, h] = (theme === 'dark' ? colours.at(-1) : colours[0]) ?? [];
      return [name, [Number(l), Number(c), Number(h)]];
    }),
  );
}

/** Of a colour in OKLCH, as WCAG has it. */
function luminance([l, c, h]: Colour): number {
  const a = c * Math.cos((h * Math.PI) / 180);
  const b = c * Math.sin((h * Math.PI) / 180);
  const long = (l + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const medium = (l - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const short = (l - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const clamp = (value: number) => Math.min(Math.max(value, 0), 1);
  const red = clamp(4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short);
  const green = clamp(-1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short);
  const blue = clamp(-0.0041960863 * long - 0.7034186147 * medium + 1.707614701 * short);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: Colour, other: Colour): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

const grounds = ['background', 'surface', 'raised', 'sunken'];
const pairs: [string, string[], number][] = [
  ['text', [...grounds, 'accent-soft', 'good-soft', 'warn-soft', 'bad-soft'], 7],
  ['muted', [...grounds, 'accent-soft', 'warn-soft', 'bad-soft'], 4.5],
  ['accent', [...grounds, 'accent-soft'], 4.5],
  ['good', ['background', 'surface', 'raised', 'good-soft'], 4.5],
  ['warn', ['background', 'surface', 'raised', 'warn-soft'], 4.5],
  ['bad', ['background', 'surface', 'raised', 'bad-soft'], 4.5],
  ['on-accent', ['accent', 'accent-hover'], 4.5],
  ['surface', ['bad'], 4.5],
  ['line-strong', ['background', 'surface', 'raised'], 3],
  ['screen-text', ['screen'], 7],
  ['screen-muted', ['screen'], 4.5],
];

for (const theme of ['light', 'dark'] as const) {
  const tokens = tokensOf(theme);
  test(`${theme}: everything that is read has the contrast to be read`, () => {
    for (const [ink, papers, least] of pairs) {
      for (const paper of papers) {
        const inkColour = tokens[ink];
        const paperColour = tokens[paper];
        assert.ok(inkColour && paperColour, `${ink} or ${paper} is missing`);
        const ratio = contrast(inkColour, paperColour);
        assert.ok(ratio >= least, `${ink} on ${paper}: ${ratio.toFixed(2)}, not ${least}`);
      }
    }
  });
}
