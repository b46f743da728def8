import type { IconName } from '../parts/icon.svelte';

/** The places of the navigation, and the letter that follows `g` to go there. */
export const places: readonly { readonly path: string; readonly label: string; readonly icon: IconName; readonly letter: string }[] = [
  { path: '/', label: 'Overview', icon: 'overview', letter: 'o' },
  { path: '/causes', label: 'Causes', icon: 'causes', letter: 'c' },
  { path: '/records', label: 'Records', icon: 'records', letter: 'r' },
  { path: '/replays', label: 'Replays', icon: 'replays', letter: 'p' },
  { path: '/schemas', label: 'Schemas', icon: 'schemas', letter: 's' },
  { path: '/drift', label: 'Drift', icon: 'drift', letter: 'd' },
  { path: '/audit', label: 'Audit', icon: 'audit', letter: 'a' },
  { path: '/settings', label: 'Settings', icon: 'settings', letter: 't' },
];
