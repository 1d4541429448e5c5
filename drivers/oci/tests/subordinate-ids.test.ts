import assert from 'node:assert/strict';
import { test } from 'node:test';
import { idCount, idShift } from '@polydev/protocol';
import { linesThatOverlap } from '../subordinate-ids.ts';

test('who is given an id of the sandboxes is found, and nobody else', () => {
  const good = ['alice:100000:65536', `bob:${idShift - 10}:10`, `carol:${idShift + idCount}:65536`, '# a comment', ''];
  const bad = [`dave:${idShift - 10}:11`, `erin:${idShift + idCount - 1}:1`, 'frank:0:4294967295'];
  assert.deepEqual(linesThatOverlap([...good, ...bad].join('\n')), bad);
});
