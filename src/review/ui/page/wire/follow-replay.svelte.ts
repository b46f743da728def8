import type { Replay } from '../../../contract/replays.ts';
import { apiRoot } from './client.ts';

/** While `id` names a plan, the service tells of every change of it. */
export function followReplay(id: () => string | null, take: (newer: Replay) => void): void {
  $effect(() => {
    const followed = id();
    if (followed === null) return;
    const events = new EventSource(`${apiRoot}/replays/${encodeURIComponent(followed)}/events`);
    events.addEventListener('replay', ({ data }: MessageEvent<string>) => take(JSON.parse(data) as Replay));
    return () => events.close();
  });
}
