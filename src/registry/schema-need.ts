import type { Catalog } from './catalog.ts';

/** What a message refers to and a catalog lacks, while a schema registry may have it. Crosses threads as {@link needText}. */
export type SchemaNeed = { readonly id: number } | { readonly name: string; readonly version: string | null };

export function needText(need: SchemaNeed): string {
  return JSON.stringify(need);
}

export function parseNeed(text: string): SchemaNeed {
  return JSON.parse(text) as SchemaNeed;
}

/** Does the catalog have it now? */
export function isMet(need: SchemaNeed, catalog: Catalog): boolean {
  return 'id' in need ? catalog.numbersOf(need.id).length > 0 : catalog.find(need.name, need.version) >= 0;
}
