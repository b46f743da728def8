import type { Page } from '../review/contract/page.ts';
import type { RecordFacets, RecordItem } from '../review/contract/records.ts';
import type { Replay } from '../review/contract/replays.ts';
import type { Engine } from './engine.ts';

export type Listed = Page<RecordItem> & { readonly facets?: RecordFacets };

/** The review's API of a running service, as somebody without a token calls it. */
export function reviewCaller(engine: Engine) {
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- a test says what an answer is.
  const call = async <T>(path: string, body?: unknown, headers: Record<string, string> = {}): Promise<{ status: number; body: T }> => {
    const response = await fetch(`${engine.address}/api/v1${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as T };
  };
  const until = async <T>(path: string, isIt: (body: T) => boolean): Promise<T> => {
    for (;;) {
      const { body } = await call<T>(path);
      if (isIt(body)) return body;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  return {
    call,
    until,
    records: (count: number) => until<Listed>('/records?limit=100&facets=1', ({ items }) => items.length >= count),
    payload: async (id: string) => Buffer.from(await (await fetch(`${engine.address}/api/v1/records/${id}/payload`)).arrayBuffer()),
    replay: async (body: unknown) => {
      const { status, body: plan } = await call<Replay>('/replays', body);
      if (status !== 201) throw new Error(JSON.stringify(plan));
      await call(`/replays/${plan.id}/start`, {});
      return until<Replay>(`/replays/${plan.id}`, ({ finished_at }) => finished_at !== null);
    },
  };
}
