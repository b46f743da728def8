import type { Page } from '../../../contract/page.ts';
import type { ApiError } from './client.ts';
import { asApiError, resource } from './resource.svelte.ts';

type LoadPage<T> = (cursor: string | undefined, signal: AbortSignal) => Promise<Page<T>>;

/** A list of which the first page is loaded by itself and every further one when it is asked for. */
export interface List<T> {
  readonly items: readonly T[];
  readonly error: ApiError | null;
  readonly waiting: boolean;
  readonly loading: boolean;
  readonly hasMore: boolean;
  readonly more: () => Promise<void>;
  readonly reload: () => void;
}

export function list<T>(load: LoadPage<T>): List<T> {
  let further = $state.raw<readonly T[]>([]);
  let cursor = $state.raw<string | null>(null);
  let error = $state.raw<ApiError | null>(null);
  let loadingMore = $state(false);
  const first = resource(async (signal) => {
    const page = await load(undefined, signal);
    further = [];
    cursor = page.next_cursor;
    error = null;
    return page;
  });

  return {
    get items() {
      return [...(first.data?.items ?? []), ...further];
    },
    get error() {
      return error ?? first.error;
    },
    get waiting() {
      return first.waiting;
    },
    get loading() {
      return first.loading || loadingMore;
    },
    get hasMore() {
      return cursor !== null;
    },
    more: async () => {
      const from = first.data;
      if (cursor === null || loadingMore) return;
      loadingMore = true;
      try {
        const page = await load(cursor, new AbortController().signal);
        // The list may have been asked anew for something else meanwhile.
        if (from !== first.data) return;
        further = [...further, ...page.items];
        cursor = page.next_cursor;
      } catch (reason) {
        error = asApiError(reason);
      } finally {
        loadingMore = false;
      }
    },
    reload: first.reload,
  };
}
