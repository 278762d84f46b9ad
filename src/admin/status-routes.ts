import { type Response, Router } from 'express';
import { type PageAssets, readPageAssets } from './page-assets.ts';
import { readState, type StateSources } from './state.ts';
import { statusMain, statusPage } from './status-page.ts';
import type { Feed, Watchers } from './watchers.ts';

export interface StatusOptions extends StateSources {
  /** Those who watch; without, the page stands still. */
  readonly watchers?: Watchers;
  /** What a request that changes something has to bring; undefined: nothing can be changed. */
  readonly csrfToken?: (response: Response) => string | undefined;
}

/** How soon a browser comes back whose stream has ended, in ms. */
const RETRY = 'retry: 1000\n\n';

/** The status page at `/`, what it consists of at `/page`, and `/api/events`, by which it lives. */
export function statusRoutes(options: StatusOptions): Router {
  const router = Router();
  let assets: PageAssets | undefined;
  const loaded = () => {
    assets ??= readPageAssets();
    return assets;
  };
  const read = async () => ({
    state: await readState(options),
    tunnels: (await options.openTunnels?.()) ?? [],
  });
  const stateFeed: Feed = async () => event('state', await readState(options));
  const pageFeed: Feed = async () => {
    const view = await read();
    return event('page', { html: statusMain(view).text, point: options.history?.latest });
  };

  router.get('/', async (_req, res) => {
    const csrf = options.csrfToken?.(res);
    const { release } = loaded();
    const loggedIn = res.locals.visitor === 'login';
    res.send(statusPage({ ...(await read()), csrf, release, loggedIn }));
  });

  router.get('/page/:name', (req, res) => {
    const asset = loaded().files.get(req.params.name);
    if (!asset) {
      res.status(404).type('text').send('the status page has no such file\n');
      return;
    }
    // It is asked for anew with each release only, by its ETag.
    res.set('cache-control', 'no-cache').type(asset.type).send(asset.bytes);
  });

  router.get('/api/events', (req, res) => {
    const { watchers, history } = options;
    if (!watchers || watchers.isFull) {
      const error = 'too many watch this gateway already';
      res.status(503).json({ error, remedy: 'close a status page that is open elsewhere' });
      return;
    }
    if (req.query.view !== 'page') {
      watchers.add(res, RETRY, stateFeed);
      return;
    }
    const hello = {
      release: loaded().release,
      csrf: options.csrfToken?.(res),
      points: history?.points ?? [],
    };
    watchers.add(res, `${RETRY}${event('hello', hello)}`, pageFeed);
  });
  return router;
}

/** A message of an event stream; JSON has no line breaks that would end it. */
function event(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
