/** A process that attacks: `node attacker.ts ORDER`, with the order as JSON (see `order.ts`). */
import { ATTACKERS } from './attackers.ts';
import { Attacker, type Order } from './order.ts';

const order = JSON.parse(process.argv[2] ?? '{}') as Order;
const attacker = new Attacker(order);
const attack = ATTACKERS[order.name];
if (!attack) throw new Error(`there is no attack of our own with the name "${order.name}"`);
const end = () => {
  attacker.report();
  process.exit(0);
};
// It never goes on longer than it is told to, whatever becomes of whoever started it.
setTimeout(end, order.seconds * 1_000);
process.once('SIGTERM', end);
// Who is starved of processor time may not come to it at the end.
setInterval(() => attacker.report(), 500);
attack(attacker);
