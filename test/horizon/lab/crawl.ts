import type { Visitor } from './visitor.ts';

const MOST_PAGES = 60;

/**
 * Walks through Horizon as a visitor who makes every kind of request that is answered with an
 * address: as nobody, in the background, with slashes missing, logging in, on each page that can be
 * reached by links, logging out. Resolves with the paths of the pages; `visitor.answers` has all.
 */
export async function crawl(visitor: Visitor): Promise<string[]> {
  const inBackground = { 'x-requested-with': 'XMLHttpRequest' };
  const asNobody = ['/', '/identity/', '/settings/', '/auth/login', '/static', '/auth/logout/'];
  for (const path of asNobody) {
    await visitor.get(path);
    await visitor.get(path, inBackground);
  }
  await visitor.login();

  const pages = new Set(['/', '/identity/', '/settings/', '/auth/login/?next=/identity/']);
  for (const path of pages) {
    const { body, headers } = await visitor.get(path);
    const links = [...body.matchAll(/(?:href|action)="(\/[^"#]*)"/g)].map(([, link]) => link!);
    for (const link of [...links, headers.location ?? '']) {
      const wanted = link.startsWith('/') && !/^\/(auth|static|i18n)\b/.test(link);
      if (wanted && pages.size < MOST_PAGES) pages.add(link.replaceAll('&amp;', '&'));
    }
  }
  await visitor.get('/auth/logout/');
  await visitor.get('/identity/');
  return [...pages];
}
