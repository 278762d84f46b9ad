import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderPlot } from '../bench/plot.ts';
import { type Result, ratio } from '../bench/results.ts';
import { gainOfWorkers, SCALING } from '../bench/scaling.ts';

function result(peer: string, costs: readonly (number | undefined)[]): Result {
  const samples = costs.flatMap((cost, round) =>
    cost === undefined ? [] : [{ round, cost, perSecond: 300 / cost, units: 1, memoryMiB: 1 }],
  );
  return { group: 'g', workload: 'w', title: 'work', peer, unit: 'µs', samples };
}

test('a host that changes its speed between rounds changes no ratio', () => {
  // Half as dear again in each round; two medians over all rounds would say 1.00.
  const dashgate = result('dashgate', [15, 30, 15, 30, 15]);
  const haproxy = result('haproxy', [10, 20, 10, 20, undefined]);
  assert.equal(ratio(dashgate, haproxy), 1.5);
});

test('a round that failed for one of two is left out, and without any there is no ratio', () => {
  const dashgate = result('dashgate', [12, undefined, 12]);
  assert.equal(ratio(dashgate, result('haproxy', [undefined, 1, 10])), 1.2);
  assert.equal(ratio(dashgate, result('haproxy', [undefined, 1])), undefined);
  assert.equal(ratio(dashgate, undefined), undefined);
});

test('requests per second are compared in the same way', () => {
  const two = result('dashgate', [10, 20]);
  assert.equal(ratio(two, result('dashgate', [20, 40]), 'perSecond'), 2);
});

test('what a second worker brings is told where both were measured', () => {
  const one = { ...result('dashgate', [20, 40]), workload: SCALING.one };
  const two = { ...result('dashgate', [10, 20]), workload: SCALING.two };
  assert.match(
    gainOfWorkers([one, two]) ?? '',
    /serve 2\.00 \(dashgate\) times the requests per second/,
  );
  assert.equal(gainOfWorkers([two]), undefined);
  assert.equal(gainOfWorkers([]), undefined);
});

test('work that only one has done is not plotted', () => {
  const alone = { ...result('dashgate', [1]), workload: 'alone', title: 'work of its own' };
  const plot = renderPlot([result('dashgate', [3]), result('haproxy', [2]), alone], 'today');
  assert.match(plot, />1\.50</);
  assert.doesNotMatch(plot, /work of its own/);
});
