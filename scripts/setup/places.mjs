import path from 'node:path';

/** The clone. */
export const root = path.resolve(import.meta.dirname, '..', '..');

/** Fetched programs. Several clones may share one cache: whatever enters it is made beside it and then renamed. */
export const cacheDir = path.resolve(root, process.env.DQ_CACHE_DIR ?? '.cache');

/** Logs of the steps, and the lock that keeps two set-ups of one clone apart. */
export const setupDir = path.join(root, '.cache', 'setup');

export const servicesDir = path.join(root, 'src', 'testing', 'services');
