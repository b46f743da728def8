import { z } from 'zod';
import { assert } from '../lib/assert.ts';
import { type About, abouts } from './setting.ts';
import { settingsSchema } from './settings.ts';

/** A place in the tree of settings: the names from the top down. */
export type Path = readonly string[];

/** The settings' schema without its wrappers of defaults: groups by fixed names, groups by free names, settings. */
type Node =
  | { readonly kind: 'group'; readonly members: ReadonlyMap<string, Node> }
  | { readonly kind: 'free'; readonly member: Node }
  | { readonly kind: 'setting'; readonly about: About; readonly schema: z.core.$ZodType; readonly entries: boolean };

/** One setting of the schema. `<name>` stands where a name is free. */
export interface KnownSetting {
  readonly path: Path;
  readonly about: About;
  readonly schema: z.core.$ZodType;
}

const tree = nodeOf(settingsSchema);

function nodeOf(schema: z.core.$ZodType): Node {
  const about = abouts.get(schema);
  const bare = unwrapped(schema);
  if (about) return { kind: 'setting', about, schema, entries: bare instanceof z.ZodRecord };
  if (bare instanceof z.ZodRecord) return { kind: 'free', member: nodeOf(bare.def.valueType) };
  assert(bare instanceof z.ZodObject, 'a setting is without its documentation');
  return { kind: 'group', members: new Map(Object.entries(bare.def.shape).map(([name, member]) => [name, nodeOf(member)])) };
}

function unwrapped(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodNullable)
    return unwrapped(schema.def.innerType);
  return schema instanceof z.ZodPipe ? unwrapped(schema.def.out) : schema;
}

/** All settings, in the order of the schema. */
export const knownSettings: readonly KnownSetting[] = settingsUnder(tree, []);

const defaults: unknown = settingsSchema.parse({});

/** What a setting is where nobody sets it; null where that is nothing. */
export function defaultOf({ path, schema }: KnownSetting): unknown {
  if (path.includes('<name>')) return (schema as { def?: { defaultValue?: unknown } }).def?.defaultValue;
  let value: unknown = defaults;
  for (const name of path) value = (value as Readonly<Record<string, unknown>> | undefined)?.[name];
  return value;
}

function settingsUnder(node: Node, path: Path): KnownSetting[] {
  if (node.kind === 'setting') return [{ path, about: node.about, schema: node.schema }];
  if (node.kind === 'free') return settingsUnder(node.member, [...path, '<name>']);
  return [...node.members].flatMap(([name, member]) => settingsUnder(member, [...path, name]));
}

/** The setting that `path` is, lies in or is an entry of; null where the schema has none. */
export function aboutOf(path: Path): About | null {
  const node = nodeAt(path);
  return node?.kind === 'setting' ? node.about : null;
}

/** The names that may stand directly under `path`. */
export function namesUnder(path: Path): string[] {
  const node = nodeAt(path);
  return node?.kind === 'group' ? [...node.members.keys()] : [];
}

function nodeAt(path: Path): Node | null {
  let node = tree;
  for (const name of path) {
    if (node.kind === 'setting') return node;
    const below: Node | undefined = node.kind === 'free' ? node.member : node.members.get(name);
    if (!below) return null;
    node = below;
  }
  return node;
}

/**
 * Where a dotted name points to: `http.port`, and with dots in the free part `topics.my.topic.strict` and
 * `kafka.client.sasl.password`. Null where nothing has that name.
 */
export function pathOf(dotted: string): Path | null {
  return resolve(tree, dotted.split('.'));
}

function resolve(node: Node, names: readonly string[]): Path | null {
  const [first, ...rest] = names;
  if (node.kind === 'setting') return first === undefined ? [] : node.entries ? [names.join('.')] : null;
  if (first === undefined) return null;
  if (node.kind === 'free') {
    // The free name may have dots in it, and is as long as the rest lets it be.
    for (let last = names.length - 1; last > 0; last--) {
      const below = resolve(node.member, names.slice(last));
      if (below) return [names.slice(0, last).join('.'), ...below];
    }
    return null;
  }
  const member = node.members.get(first);
  const below = member ? resolve(member, rest) : null;
  return below && [first, ...below];
}
