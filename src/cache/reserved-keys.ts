import { OWN_KEYS } from '../memcached/own-keys.ts';

/** Where the view is, on every node. */
export const VIEW_KEY = `${OWN_KEYS.cache}view`;
