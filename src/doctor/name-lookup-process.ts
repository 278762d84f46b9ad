/** The process that `resolveNames` starts: it is sent names and tells the addresses of each. */
import { lookup } from 'node:dns/promises';
import type { LookupNews } from './name-lookup.ts';

process.once('message', async (names: readonly string[]) => {
  await Promise.all(names.map(tell));
  process.disconnect();
});

async function tell(host: string): Promise<void> {
  const news = await resolved(host);
  process.send?.(news);
}

async function resolved(host: string): Promise<LookupNews> {
  try {
    const found = await lookup(host, { all: true });
    return { host, lookup: { addresses: [...new Set(found.map(({ address }) => address))] } };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { host, lookup: { error: reasonOf(code), unanswered: code === 'EAI_AGAIN' } };
  }
}

function reasonOf(code: string | undefined): string {
  if (code === 'ENOTFOUND') return 'it does not resolve (ENOTFOUND)';
  if (code === 'EAI_AGAIN') return 'the name servers cannot be asked (EAI_AGAIN)';
  return `it cannot be resolved (${code})`;
}
