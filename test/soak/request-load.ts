import { messageOf } from '../../src/errors.ts';
import { Client } from './client.ts';
import { REQUEST_KINDS, type RequestKind } from './requests.ts';
import type { Tally } from './tally.ts';

const LANES = 32;
/** One of so many requests is the first of a connection that replaces a good one. */
const FRESH_ONE_OF = 400;

/** Asks `count` things in mixed order, side by side, and closes its connections after. */
export async function runRequests(
  port: number,
  count: number,
  random: () => number,
  tally: Tally,
): Promise<void> {
  let left = count;
  const lane = async () => {
    let client: Client | undefined;
    while (left > 0) {
      left -= 1;
      const kind = chooseKind(random);
      try {
        if (!client || client.closed || random() < 1 / FRESH_ONE_OF) {
          client?.leave('close');
          client = await Client.connect(port);
        }
        await kind.run(client, random);
        tally.done(kind.name);
      } catch (error) {
        client?.leave('close');
        tally.failed(`${kind.name}: ${messageOf(error)}`);
      }
    }
    client?.leave('close');
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

const TOTAL_WEIGHT = REQUEST_KINDS.reduce((sum, { weight }) => sum + weight, 0);

function chooseKind(random: () => number): RequestKind {
  let at = random() * TOTAL_WEIGHT;
  const chosen = REQUEST_KINDS.find(({ weight }) => {
    at -= weight;
    return at < 0;
  });
  return chosen ?? REQUEST_KINDS[0]!;
}
