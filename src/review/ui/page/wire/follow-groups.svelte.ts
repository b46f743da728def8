import { untrack } from 'svelte';
import { on } from 'svelte/events';
import { live } from './live.svelte.ts';

/** How a list of causes follows what happens. */
export interface FollowedGroups {
  /** Goes up when the list shall be loaded anew. */
  readonly seen: number;
  /** Watches the element that shows the list. */
  readonly hold: (element: HTMLElement) => () => void;
}

/** The list follows only while nobody points at it or stands in it: nothing may move away under a click, and no further page be lost. */
export function followGroups(): FollowedGroups {
  let inUse = $state(false);
  let seen = $state(0);
  $effect(() => {
    const now = live.groupsChanged;
    if (!untrack(() => inUse)) seen = now;
  });
  const begin = () => {
    inUse = true;
  };
  const end = () => {
    inUse = false;
  };
  return {
    get seen() {
      return seen;
    },
    hold: (element) => {
      // Svelte's own listeners may change state while it takes the element away: a row that goes loses the focus then.
      const offs = [
        ...(['pointerenter', 'focusin'] as const).map((name) => on(element, name, begin)),
        ...(['pointerleave', 'focusout'] as const).map((name) => on(element, name, end)),
      ];
      return () => offs.forEach((off) => off());
    },
  };
}
