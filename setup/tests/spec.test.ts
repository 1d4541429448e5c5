/** Keeps SPEC.md whole: each bench has its numbers there, and each number a command that exists. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectRoot } from '../paths.ts';

const readText = (path: string) => readFileSync(join(projectRoot, path), 'utf8');
const spec = readText('SPEC.md');

const command = /^`(npm run (bench --|e2e --)|\.\/polydev test) [^`]+`$/;

/** Cells of the rows of its tables, heads left out. */
function rows(): string[][] {
  return [...spec.matchAll(/^\| (.*) \|$/gm)]
    .map(([, row = '']) => row.split(' | ').map((cell) => cell.trim()))
    .filter(([first]) => first !== 'what' && !first?.startsWith('---'));
}

test('every bench has a line in SPEC.md, and every bench that it names exists', () => {
  const there = [...readText('bench/run.ts').matchAll(/^ {2}(\w+): \{ load:/gm)].map(([, name]) => name);
  const named = [...spec.matchAll(/`npm run bench -- (\w+)/g)].map(([, name]) => name);
  assert.ok(there.length > 5);
  assert.deepEqual([...new Set(named)].sort(), there.sort());
});

test('every line of SPEC.md says what is meant to hold, what was measured, and how to measure again', () => {
  const lines = rows();
  assert.ok(lines.length > 10);
  const incomplete = lines.filter((cells) => cells.length !== 4 || cells.includes('') || !command.test(cells[3] ?? ''));
  assert.deepEqual(incomplete, []);
});

test('the README shows no measured figure that SPEC.md has not', () => {
  const [, costs = ''] = /^## What it costs\n([\s\S]*?)^## /m.exec(readText('README.md')) ?? [];
  const figures = [...costs.matchAll(/^\|.* \| ([\d.]+ \w+) \|$/gm)].map(([, figure = '']) => figure);
  assert.ok(figures.length > 3);
  assert.deepEqual(
    figures.filter((figure) => !spec.includes(figure)),
    [],
  );
});
