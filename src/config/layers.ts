import { readFileSync } from 'node:fs';
import { messageOf } from '../lib/errors.ts';
import { nearest } from '../lib/nearest.ts';
import { type Origin, originText } from './origin.ts';
import { knownSettings, type Path, pathOf } from './schema-tree.ts';
import type { SettingsFile } from './settings-file.ts';

/** What a layer above the file sets, and where it comes from. */
interface Entry {
  readonly path: Path;
  readonly value: unknown;
  readonly origin: Origin;
}

/** What file, environment and flags say together, before it is checked. */
export interface Layers {
  readonly values: unknown;
  /** Problems of the layers themselves: unreadable secrets, unknown flags. */
  readonly problems: readonly string[];
  originOf(path: Path): Origin;
}

export interface LayerSources {
  readonly file: SettingsFile | null;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Values by the dotted name of the setting; null and undefined say nothing. */
  readonly flags: Readonly<Record<string, unknown>>;
}

/** Lays the environment over the file, and the flags over both. */
export function layersOf({ file, env, flags }: LayerSources): Layers {
  const problems: string[] = [];
  const entries = [...environmentEntries(env, problems), ...flagEntries(flags, problems)];
  let values: unknown = file?.values ?? {};
  const origins = new Map<string, Origin>();
  for (const { path, value, origin } of entries) {
    values = withValue(values, path, value);
    origins.set(keyOf(path), origin);
  }
  return {
    values,
    problems,
    originOf: (path) => {
      for (let length = path.length; length > 0; length -= 1) {
        const origin = origins.get(keyOf(path.slice(0, length)));
        if (origin) return origin;
      }
      return file?.holds(path) ? { kind: 'file', ...file.placeOf(path) } : { kind: 'default' };
    },
  };
}

/** Names may hold dots themselves, so a key joins them with what no name can hold. */
function keyOf(path: Path): string {
  return path.join('\0');
}

/** An empty variable counts as not set: that is what `${NAME:-}` in a compose file gives. */
function environmentEntries(env: LayerSources['env'], problems: string[]): Entry[] {
  return knownSettings.flatMap(({ path, about }): Entry[] => {
    if (about.environment === null) return [];
    const name = about.environment;
    const fileName = `${name}_FILE`;
    const value = env[name] ?? '';
    const file = env[fileName] ?? '';
    if (value !== '' && file !== '') problems.push(`${name} and ${fileName} are both set; keep one of them`);
    if (value !== '') return [{ path, value, origin: { kind: 'environment', name, file: null } }];
    if (file === '') return [];
    try {
      const content = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
      return [{ path, value: content, origin: { kind: 'environment', name: fileName, file } }];
    } catch (error) {
      problems.push(`${fileName}: the file that should hold ${path.join('.')} cannot be read (${messageOf(error)})`);
      return [];
    }
  });
}

function flagEntries(flags: LayerSources['flags'], problems: string[]): Entry[] {
  return Object.entries(flags).flatMap(([key, value]): Entry[] => {
    if (value === undefined || value === null) return [];
    const path = pathOf(key);
    const origin: Origin = { kind: 'flag', flag: `--set ${key}` };
    if (path) return [{ path, value, origin }];
    problems.push(`${originText(origin)}: ${key} is not a setting${suggestion(key, [])}`);
    return [];
  });
}

/** `; did you mean …?`: a name beside the unknown one (`siblings`, under `prefix`), or the same name in another group. */
export function suggestion(name: string, siblings: readonly string[], prefix = ''): string {
  const sibling = nearest(name, siblings);
  if (sibling !== null) return `; did you mean ${prefix}${sibling}?`;
  const names = new Map<string, string>();
  for (const { path } of knownSettings) {
    names.set(path.join('.'), path.join('.'));
    if (!path.includes('<name>')) names.set(path.at(-1) as string, path.join('.'));
  }
  const elsewhere = nearest(name, names.keys());
  return elsewhere === null ? '' : `; did you mean ${names.get(elsewhere)}?`;
}

/** A copy of `tree` with `value` at `path`. Where a group should be and is not, the tree stays: that is reported as a problem of its own. */
function withValue(tree: unknown, path: Path, value: unknown): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return value;
  if (tree !== undefined && tree !== null && (typeof tree !== 'object' || Array.isArray(tree))) return tree;
  const group = (tree ?? {}) as Record<string, unknown>;
  const below = withValue(Object.hasOwn(group, name) ? group[name] : undefined, rest, value);
  return { ...group, ...Object.fromEntries([[name, below]]) };
}
