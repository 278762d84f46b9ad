import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { playCase } from './case.ts';
import { dashgate } from './peers/dashgate.ts';
import { TABLE } from './table.ts';

describe('Dashgate', { concurrency: 4 }, () => {
  for (const item of TABLE) {
    test(item.name, async () => {
      assert.equal(await playCase(item, dashgate), undefined);
    });
  }
});
