import { test } from 'node:test';
import { playConsoles } from '../support/console-scenario.ts';

// With so few, one console more or less is a large part; `npm run test:consoles` has 5,000 and 2%.
test('consoles over two gateways are spread by the weights, outlive a drain, and go back to their backends when a gateway is killed', (t) =>
  playConsoles(t, { count: 240, tolerance: 0.05 }));
