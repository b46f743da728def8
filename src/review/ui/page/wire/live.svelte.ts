import type { Overview } from '../../../contract/session.ts';
import { apiRoot } from './client.ts';

/** What the chart of the overview keeps: one point a second, ten minutes long. */
export interface FlowPoint {
  readonly at: number;
  readonly consumed: number;
  readonly valid: number;
  readonly quarantined: number;
}

const pointsMax = 600;
/** Lists that change under the hand are no help: they follow at this pace. */
const groupsMsMin = 5_000;
/** The stream ends now and then and is opened again at once; that is nothing to speak of. */
const awayAfterMs = 5_000;

/** The service as it says of itself, every second, for as long as the page is open. */
class Live {
  overview = $state.raw<Overview | null>(null);
  history = $state.raw<readonly FlowPoint[]>([]);
  /** Goes up when records came into groups or left them, a few times a minute at most; a view that shows groups reads this. */
  groupsChanged = $state(0);
  connected = $state(false);
  /** The service has not answered for a while. */
  away = $state(false);
  #waiting: ReturnType<typeof setTimeout> | undefined;

  listen(): () => void {
    let events = this.#open();
    let wasConnected = true;
    const watch = setInterval(() => {
      this.away = !this.connected && !wasConnected;
      wasConnected = this.connected;
      // A browser gives up for good where something else than a stream is answered, as by a proxy.
      if (events.readyState === EventSource.CLOSED) events = this.#open();
    }, awayAfterMs);
    return () => {
      events.close();
      clearInterval(watch);
      clearTimeout(this.#waiting);
      this.#waiting = undefined;
    };
  }

  #open(): EventSource {
    const events = new EventSource(`${apiRoot}/live`);
    events.addEventListener('open', () => {
      this.connected = true;
      this.away = false;
    });
    events.addEventListener('error', () => {
      this.connected = false;
    });
    events.addEventListener('overview', ({ data }: MessageEvent<string>) => this.#take(JSON.parse(data) as Overview));
    events.addEventListener('groups', () => {
      this.#waiting ??= setTimeout(() => {
        this.#waiting = undefined;
        this.groupsChanged += 1;
      }, groupsMsMin);
    });
    return events;
  }

  #take(overview: Overview): void {
    this.overview = overview;
    const { engine } = overview;
    if (!engine) return;
    const point = {
      at: Date.parse(overview.at) / 1000,
      consumed: engine.consumed_per_second,
      valid: engine.valid_per_second,
      quarantined: engine.quarantined_per_second,
    };
    this.history = [...this.history.slice(1 - pointsMax), point];
  }
}

export const live = new Live();
