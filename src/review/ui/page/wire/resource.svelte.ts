import { ApiError } from './client.ts';

/** Something that is loaded from the service, and loaded again when what its loader reads changes. */
export interface Resource<T> {
  /** The last good answer; it stays while the next one is under way, so that nothing on the page jumps. */
  readonly data: T | null;
  readonly error: ApiError | null;
  /** Nothing has come yet. */
  readonly waiting: boolean;
  readonly loading: boolean;
  readonly reload: () => void;
  /** Puts a newer answer in the place of the loaded one. */
  readonly set: (data: T) => void;
}

/**
 * Runs `load` now and whenever a rune that it reads before its first wait changes; an older request is given up.
 * `key` says when the answer is of another thing altogether: then what was shown before is forgotten.
 */
export function resource<T>(load: (signal: AbortSignal) => Promise<T>, key: () => string = () => ''): Resource<T> {
  let data = $state.raw<T | null>(null);
  let error = $state.raw<ApiError | null>(null);
  let loading = $state(true);
  let round = $state(0);
  let shown = '';

  $effect(() => {
    void round;
    const now = key();
    if (now !== shown) data = null;
    shown = now;
    const stop = new AbortController();
    loading = true;
    load(stop.signal).then(
      (answer) => {
        if (stop.signal.aborted) return;
        data = answer;
        error = null;
        loading = false;
      },
      (reason: unknown) => {
        if (stop.signal.aborted) return;
        error = asApiError(reason);
        loading = false;
      },
    );
    return () => stop.abort();
  });

  return {
    get data() {
      return data;
    },
    get error() {
      return error;
    },
    get waiting() {
      return data === null && error === null;
    },
    get loading() {
      return loading;
    },
    reload: () => {
      round += 1;
    },
    set: (newer) => {
      data = newer;
    },
  };
}

/** Whatever was thrown, as something to show. */
export function asApiError(reason: unknown): ApiError {
  if (reason instanceof ApiError) return reason;
  const detail = reason instanceof Error ? reason.message : String(reason);
  return new ApiError({ type: 'about:blank', title: 'The page failed', status: 0, detail });
}
