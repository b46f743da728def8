/**
 * What the image starts the service with: jemalloc in two arenas, which gives back, while it is used, what was idle for a second. librdkafka
 * takes a message's memory on one thread and frees it on another, for which glibc's malloc took 8 % of the processor (DECISIONS 57).
 */
export const allocatorEnvironment = { LD_PRELOAD: 'libjemalloc.so.2', MALLOC_CONF: 'narenas:2,dirty_decay_ms:1000' } as const;

/** Does a process have jemalloc under it? `maps` is its /proc/PID/maps. */
export function hasJemalloc(maps: string): boolean {
  return /\/libjemalloc\.so\.2(?: \(deleted\))?$/m.test(maps);
}
