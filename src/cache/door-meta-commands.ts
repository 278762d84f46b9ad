import type { Command } from '../memcached/command-parser.ts';
import type { MetaCommand } from './cache-store.ts';
import { type MetaRequest, metaLine, readMeta } from './door-meta.ts';
import { line, REPLIES, type Reply, valueReply } from './door-replies.ts';
import { type CommandContext, done, isKey, type Plan, refusingValue, said } from './door-task.ts';

/** Flags with which `mg` changes an item: a new time to live, a new item, a turn to renew it. */
const CHANGING = /^[NRT]/;

/** `mg`, `ms` and `md` (`protocol.txt`, "Meta commands"). */
export function metaCommand(context: CommandContext, { words, data, fault }: Command): Plan {
  const verb = words[0] as MetaCommand['verb'];
  if (words.length < 2) return said(REPLIES.error);
  if (fault === 'extra argument') return said(REPLIES.flagsTooLong);
  if (fault === 'bad format' || words[1]!.length > 250) return said(REPLIES.badFormat);
  const request = readMeta(verb, words);
  if ('fault' in request) return said(line(request.fault));
  const { key, flags } = request.command;
  if (!isKey(key)) return said(REPLIES.badFormat);
  if (fault === 'too large') return refusingValue(context, verb, key, false);
  if (fault === 'bad data') return said(REPLIES.badData);
  return {
    access: verb === 'mg' && !flags.some((flag) => CHANGING.test(flag)) ? 'read' : 'write',
    key,
    values: verb === 'mg' ? 1 : 0,
    bytes: data?.length ?? 0,
    quiet: false,
    run: async () => done(await carryOut(context, request, data)),
  };
}

async function carryOut(
  { store, counters: { outcomes } }: CommandContext,
  request: MetaRequest,
  data: Buffer | undefined,
): Promise<Reply> {
  const { command, quiet } = request;
  const answer = await store.meta(data === undefined ? command : { ...command, value: data });
  const missing = answer.line.startsWith('EN');
  if (command.verb === 'mg') outcomes[missing ? 'get_misses' : 'get_hits']++;
  if (quiet && (command.verb === 'mg' ? missing : answer.line.startsWith('HD'))) {
    return REPLIES.nothing;
  }
  const text = metaLine(request, answer);
  return answer.value === undefined ? line(text) : valueReply(text, answer.value);
}
