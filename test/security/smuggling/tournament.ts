import { inParallel } from '../../conformance/matrix.ts';
import type { TestedProxy } from '../../conformance/peers/proxy.ts';
import type { HostileMessage } from './hostile-message.ts';
import { Lane } from './lane.ts';
import { judge, type Verdict } from './verdict.ts';

/** Lanes of a proxy at a time: a message that is waited out mostly waits. */
const LANES = 16;

/** Plays every message against a proxy; the verdicts are in the order of the messages. */
export async function playAll(
  proxy: Pick<TestedProxy, 'start'>,
  messages: readonly HostileMessage[],
): Promise<Verdict[]> {
  const lanes: Lane[] = [];
  try {
    for (let i = 0; i < Math.min(LANES, messages.length); i += 1)
      lanes.push(await Lane.open(proxy));
    const idle = [...lanes];
    return await inParallel(messages, lanes.length, async (message) => {
      const lane = idle.pop()!;
      const verdict = await judge(message, await lane.play(message));
      idle.push(lane);
      return verdict;
    });
  } finally {
    for (const lane of lanes) await lane.close();
  }
}
