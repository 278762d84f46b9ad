/** Keys that begin so are the cache's own, on every node. */
export const RESERVED_PREFIX = 'dashgate:cache:';

/** Where the view is. */
export const VIEW_KEY = `${RESERVED_PREFIX}view`;
