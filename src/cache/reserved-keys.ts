import { OWN_KEYS } from '../memcached/own-keys.ts';

/** Keys that begin so are the cache's own, on every node. */
export const RESERVED_PREFIX = OWN_KEYS.cache;

/** Where the view is. */
export const VIEW_KEY = `${RESERVED_PREFIX}view`;
