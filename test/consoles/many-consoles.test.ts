import { test } from 'node:test';
import { playConsoles } from '../support/console-scenario.ts';

test('5,000 consoles over two gateways are spread by the weights, outlive a drain, and go back to their backends when a gateway is killed', (t) =>
  playConsoles(t, { count: 5_000, tolerance: 0.02 }));
