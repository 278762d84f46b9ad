import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { type RunningMemcached, startMemcached } from '../../support/memcached.ts';

/** Longest item of such a node, its key and book-keeping included. */
export const NODE_ITEM_BYTES = 2048;

/** A real memcached with one thread, which takes short values alone. */
export function startNode(t: { after(hook: () => unknown): void }): Promise<RunningMemcached> {
  const extraArguments = ['-t', '1', '-I', '2k', '-o', 'slab_chunk_max=1024'];
  return startMemcached(t, { extraArguments });
}

/** All that a server answers to a client that sends this and ends. */
export async function answerTo({ host, port }: RunningMemcached, sent: Buffer): Promise<Buffer> {
  const socket = connect({ host, port, noDelay: true });
  const answer = buffer(socket);
  socket.end(sent);
  return await answer;
}
