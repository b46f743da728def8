import { maskText } from '../lib/mask.ts';
import type { AccessToken } from '../model/access.ts';
import { sizeText } from './kinds.ts';
import type { LoadedSettings } from './load-settings.ts';
import { masked, type Shown } from './mask.ts';
import type { Origin } from './origin.ts';
import { defaultOf, type KnownSetting, knownSettings } from './schema-tree.ts';

/** One effective setting as it may be shown: secrets are masked. */
export interface ShownSetting {
  readonly key: string;
  readonly value: Shown;
  readonly unit: 'bytes' | null;
  readonly origin: Origin;
  /** What it is where nobody sets it, in words. */
  readonly fallback: string;
  readonly doc: string;
}

/** All effective settings with their origins, in the order of the schema. Free names are listed one by one. */
export function describeSettings({ settings, origins }: Pick<LoadedSettings, 'settings' | 'origins'>): ShownSetting[] {
  return knownSettings.flatMap((known) =>
    instances(known, settings).map(({ path, value }) => {
      const key = path.join('.');
      return {
        key,
        value: shownValue(value, known, path.at(-1) ?? ''),
        unit: known.about.unit,
        origin: origins.get(key) ?? { kind: 'default' },
        fallback: known.about.fallback ?? settingText({ value: defaultOf(known) as Shown, unit: known.about.unit }),
        doc: known.about.doc,
      };
    }),
  );
}

/** A value for people; a dash where there is none. */
export function settingText({ value, unit }: Pick<ShownSetting, 'value' | 'unit'>): string {
  if (value === null || (Array.isArray(value) && value.length === 0)) return '–';
  if (unit === 'bytes') return sizeText(Number(value));
  return Array.isArray(value) ? value.join(', ') : String(value);
}

interface Instance {
  readonly path: readonly string[];
  readonly value: unknown;
}

/** The places that a setting of the schema has in these settings: one, or one for each free name. */
function instances({ path, about }: KnownSetting, settings: unknown): Instance[] {
  let found: Instance[] = [{ path: [], value: settings }];
  const steps = about.secret === 'entries' ? [...path, '<name>'] : path;
  for (const step of steps) {
    found = found.flatMap(({ path: above, value }) => {
      const group = (value ?? {}) as Readonly<Record<string, unknown>>;
      const names = step === '<name>' ? Object.keys(group) : [step];
      return names.map((name) => ({ path: [...above, name], value: group[name] ?? null }));
    });
  }
  return found;
}

function shownValue(value: unknown, { about, path }: KnownSetting, name: string): Shown {
  if (path.join('.') !== 'auth.tokens') return masked(value as Shown, about, name);
  return (value as readonly AccessToken[]).map((token) => `${token.name}:${token.role}${token.payloadRead ? '+payload' : ''}:${maskText}`);
}
