import { existsSync } from 'node:fs';
import type { z } from 'zod';
import { DataQuarantineError } from '../lib/errors.ts';
import { nearest } from '../lib/nearest.ts';
import { type Layers, layersOf, suggestion } from './layers.ts';
import { isSecretEntry } from './mask.ts';
import { type Origins, originText } from './origin.ts';
import { type Need, ruleProblems } from './rules.ts';
import { aboutOf, knownSettings, namesUnder, type Path } from './schema-tree.ts';
import { type Settings, settingsOf, settingsSchema } from './settings.ts';
import { readSettingsFile, type SettingsFile } from './settings-file.ts';

export const defaultFile = 'dataquarantine.yaml';

export interface LoadOptions {
  /** The settings file. Left out: `dataquarantine.yaml` if the working folder has one. Null: none. */
  readonly file?: string | null;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Values by the dotted name of the setting, as text or typed; they win over all else. */
  readonly flags?: Readonly<Record<string, unknown>>;
  /** What the caller is going to use, and must therefore be set and make sense. */
  readonly need?: readonly Need[];
}

export interface LoadedSettings {
  readonly settings: Settings;
  /** Where each value that is not a default came from, by its dotted name. */
  readonly origins: Origins;
  /** What is probably a mistake, but can be lived with. */
  readonly warnings: readonly string[];
}

/**
 * Defaults, then the file, the environment, the flags: each wins over those before it. All problems are reported at once, in one
 * `DQ_CONFIG_INVALID`, each with its place, what was expected and the nearest known name.
 */
export function loadSettings(options: LoadOptions): LoadedSettings {
  const { env, flags = {}, need = [] } = options;
  const name = options.file === undefined ? (existsSync(defaultFile) ? defaultFile : null) : options.file;
  const file = name === null ? null : readSettingsFile(name);
  const layers = layersOf({ file, env, flags });
  const problems = [...fileProblems(file), ...layers.problems];
  const parsed = settingsSchema.safeParse(layers.values);
  if (!parsed.success) problems.push(...parsed.error.issues.flatMap((issue) => issueProblems(issue, layers, file)));
  const settings = parsed.success ? settingsOf(parsed.data) : null;
  if (settings)
    problems.push(...ruleProblems(settings, { need, file: name, placeOf: (path) => placeText(layers, path), given: layers.values }));
  if (settings === null || problems.length > 0) {
    problems.sort(inOrderOfLines.compare);
    throw new DataQuarantineError(
      'DQ_CONFIG_INVALID',
      `the settings cannot be used:\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
    );
  }
  return { settings, origins: originsOf(settings, layers), warnings: [...misspelledVariables(env), ...unusedTopics(settings)] };
}

/** Numbers count as numbers, so line 9 comes before line 10. */
const inOrderOfLines = new Intl.Collator('en', { numeric: true });

function fileProblems(file: SettingsFile | null): string[] {
  return (file?.problems ?? []).map(({ place, text }) => `${originText({ kind: 'file', ...place })}: ${text}`);
}

/** `dataquarantine.yaml:3:5: ` and the like, empty for a value that nobody set. */
function placeText(layers: Layers, path: Path): string {
  const origin = layers.originOf(path);
  return origin.kind === 'default' ? '' : `${originText(origin)}: `;
}

function issueProblems(issue: z.core.$ZodIssue, layers: Layers, file: SettingsFile | null): string[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const prefix = path.map((name) => `${name}.`).join('');
      const place = file ? originText({ kind: 'file', ...file.placeOf([...path, key]) }) : 'settings';
      return `${place}: ${prefix}${key} is not a setting${suggestion(key, namesUnder(path), prefix)}`;
    });
  }
  if (issue.code === 'invalid_key') {
    return [
      `${placeText(layers, path)}${path.slice(0, -1).join('.')}: each name must be ${issue.issues[0]?.message}, not ${shown(path.at(-1))}`,
    ];
  }
  const about = aboutOf(path);
  const secret = about !== null && (about.secret === 'entries' ? isSecretEntry(path.at(-1) ?? '') : about.secret !== 'no');
  const found = secret ? '' : `, not ${shown(at(layers.values, path))}`;
  return [`${placeText(layers, path)}${dotted(path)} must be ${issue.message}${found}`];
}

/** `kafka.brokers[1]`: positions in brackets, counted from 0. */
function dotted(path: Path): string {
  return path.reduce((text, name) => (/^\d+$/.test(name) ? `${text}[${name}]` : text === '' ? name : `${text}.${name}`), '');
}

function at(tree: unknown, path: Path): unknown {
  let node = tree;
  for (const name of path) {
    if (typeof node === 'string') return node;
    node = typeof node === 'object' && node !== null && Object.hasOwn(node, name) ? (node as Record<string, unknown>)[name] : undefined;
  }
  return node;
}

function shown(value: unknown): string {
  if (value === undefined || value === null) return 'empty';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a group';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** The origin of every value that somebody set. */
function originsOf(settings: Settings, layers: Layers): Origins {
  const paths = knownSettings.flatMap(({ path, about }): Path[] => {
    if (about.secret === 'entries') return Object.keys(settings.kafka.client).map((name) => [...path, name]);
    return path.includes('<name>')
      ? Object.keys(settings.topics).map((topic) => path.map((name) => (name === '<name>' ? topic : name)))
      : [path];
  });
  return new Map(
    paths.flatMap((path) => {
      const origin = layers.originOf(path);
      return origin.kind === 'default' ? [] : [[path.join('.'), origin] as const];
    }),
  );
}

/** Other programs may have variables of that prefix (Kubernetes makes some for a service named `dq`), so these are no errors. */
function misspelledVariables(env: LoadOptions['env']): string[] {
  const known = knownSettings.flatMap(({ about }) => about.environment ?? []).flatMap((name) => [name, `${name}_FILE`]);
  return Object.keys(env)
    .filter((name) => name.startsWith('DQ_') && !known.includes(name))
    .flatMap((name) => {
      const meant = nearest(
        name.slice(3),
        known.filter((candidate) => candidate.startsWith('DQ_')).map((candidate) => candidate.slice(3)),
      );
      return meant === null ? [] : [`the environment variable ${name} is not known; did you mean DQ_${meant}?`];
    });
}

function unusedTopics(settings: Settings): string[] {
  return Object.keys(settings.topics)
    .filter((topic) => !settings.kafka.sourceTopics.includes(topic))
    .map(
      (topic) => `topics.${topic} says nothing: ${topic} is not among kafka.sourceTopics${suggestion(topic, settings.kafka.sourceTopics)}`,
    );
}
