import { Deviation } from './bell.ts';
import type { TestedProxy } from './peers/proxy.ts';
import { Stage } from './stage.ts';

/** One requirement of HTTP/1.1, and a dialogue that shows whether a proxy meets it. */
export interface ConformanceCase {
  /** Document and section, and a sentence of what a proxy does: "RFC 9112 §2.2: …". */
  readonly name: string;
  /** Plays client and backend; throws where the proxy does otherwise. */
  readonly play: (stage: Stage) => Promise<void>;
  /** Longest time that the dialogue may take, in ms; 2 s where it is not named. */
  readonly deadlineMs?: number;
}

const DEADLINE_MS = 2_000;

/** Plays a case against a freshly started proxy; gives what it did otherwise, if anything. */
export async function playCase(
  { play, deadlineMs = DEADLINE_MS }: ConformanceCase,
  proxy: Pick<TestedProxy, 'start'>,
): Promise<string | undefined> {
  try {
    await Stage.perform(proxy, deadlineMs, play);
    return undefined;
  } catch (error) {
    if (error instanceof Deviation) return error.message;
    throw error;
  }
}
