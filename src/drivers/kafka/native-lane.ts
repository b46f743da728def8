import type { LaneAddon } from '../../native/surface.ts';
import type { ClientProperties } from './client-settings.ts';

/** The lane addon, and the file that it came from: librdkafka loads the same one as its plugin. */
export interface NativeLane {
  readonly addon: LaneAddon;
  readonly path: string;
}

let nameLast = 0;

/** A name that no other client of this process has; the plugin knows its clients by them. The broker never sees it. */
export function nameOfClient(): string {
  return `lane-${++nameLast}`;
}

/**
 * The properties that make a client one of the lane's. The user's own plugins stay. The plugin takes the name, so it must be there
 * before: the client sets properties in their order.
 */
export function laneProperties({ path }: NativeLane, name: string, properties: ClientProperties): ClientProperties {
  const plugins = [properties['plugin.library.paths'], path].filter((part) => part !== undefined && part !== '');
  return { 'plugin.library.paths': plugins.join(';'), 'dataquarantine.lane': name };
}
