import type { Place } from './settings-file.ts';

/** Where the effective value of a setting came from. */
export type Origin =
  | { readonly kind: 'default' }
  | ({ readonly kind: 'file' } & Place)
  /** `file` where the variable was `NAME_FILE` and its value was read from there. */
  | { readonly kind: 'environment'; readonly name: string; readonly file: string | null }
  | { readonly kind: 'flag'; readonly flag: string };

/** Origins by the dotted name of the setting. What is not in it is a default. */
export type Origins = ReadonlyMap<string, Origin>;

/** One origin for people: `dataquarantine.yaml:3:5`, `DQ_HTTP_PORT`, `--set`, `default`. */
export function originText(origin: Origin): string {
  switch (origin.kind) {
    case 'default':
      return 'default';
    case 'file':
      return `${origin.file}:${origin.line}:${origin.column}`;
    case 'environment':
      return origin.name;
    case 'flag':
      return origin.flag;
  }
}
