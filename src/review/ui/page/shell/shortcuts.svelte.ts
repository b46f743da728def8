import { untrack } from 'svelte';

/** One key, or two in a row such as `g c`, and what it does where it is offered. */
export interface Shortcut {
  readonly keys: string;
  readonly label: string;
  /** False where it would lead nowhere: for want of a right, or of something to do it to. */
  readonly when?: boolean;
  readonly run: () => void;
}

const storageKey = 'dq.shortcuts';
const sequenceMsMax = 1_200;

class Shortcuts {
  enabled = $state(localStorage.getItem(storageKey) !== 'off');
  /** The newest layer wins; the first is the page's own. */
  layers = $state.raw<readonly (readonly Shortcut[])[]>([]);
  #prefix = '';
  #prefixAtMs = 0;

  setEnabled(enabled: boolean): void {
    this.enabled = enabled;
    localStorage.setItem(storageKey, enabled ? 'on' : 'off');
  }

  add(layer: readonly Shortcut[]): () => void {
    this.layers = [...this.layers, layer];
    return () => {
      this.layers = this.layers.filter((one) => one !== layer);
    };
  }

  listen(): () => void {
    const press = (event: KeyboardEvent) => this.#press(event);
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }

  #press(event: KeyboardEvent): void {
    if (!this.enabled || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || takesText(event.target)) return;
    // A dialog has its own keys.
    if (document.querySelector('dialog[open]')) return;
    const second = event.timeStamp - this.#prefixAtMs < sequenceMsMax ? `${this.#prefix} ${event.key}` : event.key;
    this.#prefix = '';
    const found = this.#find(second) ?? this.#find(event.key);
    if (found) {
      event.preventDefault();
      found.run();
    } else if (this.layers.flat().some(({ keys }) => keys.startsWith(`${event.key} `))) {
      this.#prefix = event.key;
      this.#prefixAtMs = event.timeStamp;
    }
  }

  #find(keys: string): Shortcut | undefined {
    return [...this.layers]
      .reverse()
      .flat()
      .find((one) => one.keys === keys);
  }
}

export const shortcuts = new Shortcuts();

/** Offers shortcuts for as long as the component that calls this is there. */
export function offerShortcuts(layer: () => readonly Shortcut[]): void {
  $effect(() => {
    const offered = layer().filter(({ when = true }) => when);
    return untrack(() => shortcuts.add(offered));
  });
}

function takesText(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  // An editor lives in a shadow tree: from outside, its host is the target.
  return target.isContentEditable || target.shadowRoot !== null || (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && !isToggle(target));
}

function isToggle(target: HTMLElement): boolean {
  return target instanceof HTMLInputElement && /^(checkbox|radio)$/.test(target.type);
}

/** Moves the focus among the rows of the list that is on the page. */
export function moveRow(step: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>('main [data-row]')];
  if (rows.length === 0) return;
  const active = document.activeElement;
  const inside = active?.closest('tr, li')?.querySelector('[data-row]') ?? active;
  const at = rows.findIndex((row) => row === inside);
  const next = rows[at === -1 ? (step === 1 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + step))];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
}

/** The `data-row` of the row that has the focus. */
export function focusedRow(): string | null {
  const row = document.activeElement?.closest('tr, li')?.querySelector<HTMLElement>('[data-row]');
  return row?.dataset['row'] ?? null;
}
