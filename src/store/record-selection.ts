import type { DeadLetterFamily } from '../model/dead-letter-family.ts';
import type { RecordStatus } from '../model/record.ts';

/** Which records; a null does not narrow. The same words select for lists, facets and replay plans. */
export interface RecordSelection {
  readonly status: RecordStatus | null;
  readonly topic: string | null;
  readonly schema: string | null;
  readonly errorType: string | null;
  readonly fingerprint: string | null;
  readonly field: string | null;
  /** Dead letters of one family; null for all records, those of our own pipeline too. */
  readonly family: DeadLetterFamily | null;
  /** Words that must all be in error text, field, schema or key. */
  readonly text: string | null;
  /** May the words be looked for in keys? Not for those who may not read payloads: a search would guess what is masked. */
  readonly searchKeys: boolean;
  /** On `quarantined_at`, ISO 8601: from this moment on, and before that one. */
  readonly from: string | null;
  readonly to: string | null;
  /** Only topics whose names begin so; empty for all. */
  readonly topicPrefixes: readonly string[];
}

/** Conditions on the columns of a table, and the values behind their `$1`, `$2` and so on. */
export class Conditions {
  readonly values: unknown[];
  readonly #texts: string[] = [];

  constructor(values: readonly unknown[] = []) {
    this.values = [...values];
  }

  /** Adds a condition; `?` stands for the value. */
  add(text: string, value: unknown): void {
    this.#texts.push(text.replaceAll('?', this.value(value)));
  }

  /** Adds one whose values are there already. */
  addText(text: string): void {
    this.#texts.push(`(${text})`);
  }

  /** Takes a value in and gives what stands for it. */
  value(value: unknown): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }

  /** Adds one where there is a value. */
  addIf(text: string, value: unknown): void {
    if (value !== null) this.add(text, value);
  }

  /** All of them, to stand behind WHERE. */
  get sql(): string {
    return this.#texts.length === 0 ? 'true' : this.#texts.join(' AND ');
  }
}

/** What the text of a record is searched in; the same as `searched` of review_causes. */
const searched = `(error_message || ' ' || coalesce(field_path, '') || ' ' || coalesce(schema_name, '') || ' ' || coalesce(schema_version, '') || ' ' || error_type)`;
/** Bytes that are not UTF-8 cannot be text, so a key is looked through as the escaped text of its bytes. */
const searchedKey = `encode(substring(key FROM 1 FOR 64), 'escape')`;

/** The conditions of a selection on rows of `quarantine_records`. */
export function selectionConditions(selection: RecordSelection, values: readonly unknown[] = []): Conditions {
  const conditions = new Conditions(values);
  addCauseColumns(conditions, selection);
  conditions.addIf('EXISTS (SELECT FROM foreign_records WHERE record_id = id AND family = ?)', selection.family);
  conditions.addIf('status = ?', selection.status);
  conditions.addIf('quarantined_at >= ?', selection.from && new Date(selection.from));
  conditions.addIf('quarantined_at < ?', selection.to && new Date(selection.to));
  const words = wordsOf(selection.text);
  if (words.length === 0) return conditions;
  const all = words.map((word) => {
    const inKey = selection.searchKeys ? ` OR ${searchedKey} ILIKE ${conditions.value(word.inKey)}` : '';
    return `(${searched} ILIKE ${conditions.value(word.inText)}${inKey})`;
  });
  conditions.addText(`(${all.join(' AND ')} OR ${isFound(searched, conditions.value(selection.text))})`);
  return conditions;
}

/** The conditions on rows of `review_causes`: none of the records of another cause can be selected, but for what its key says. */
export function causeConditions(selection: RecordSelection, values: readonly unknown[] = []): Conditions {
  const conditions = new Conditions(values);
  addCauseColumns(conditions, selection);
  conditions.addIf('family = ?', selection.family);
  const words = wordsOf(selection.text);
  if (words.length === 0) return conditions;
  const all = words.map(({ inText }) => `searched ILIKE ${conditions.value(inText)}`);
  conditions.addText(`(${all.join(' AND ')} OR ${isFound('searched', conditions.value(selection.text))})`);
  return conditions;
}

/** The conditions on rows of `review_keys`: keys in which one of the words is. Null where keys do not matter. */
export function keyConditions({ text, searchKeys }: RecordSelection): Conditions | null {
  const words = searchKeys ? wordsOf(text) : [];
  if (words.length === 0) return null;
  const conditions = new Conditions();
  conditions.addText(words.map(({ inKey }) => `text ILIKE ${conditions.value(inKey)}`).join(' OR '));
  return conditions;
}

function addCauseColumns(conditions: Conditions, { topic, schema, errorType, fingerprint, field, topicPrefixes }: RecordSelection): void {
  conditions.addIf('topic = ?', topic);
  conditions.addIf('schema_name = ?', schema);
  conditions.addIf('error_type = ?', errorType);
  conditions.addIf('fingerprint = ?', fingerprint);
  conditions.addIf('field_path = ?', field);
  addTopicPrefixes(conditions, topicPrefixes);
}

/** Nothing of other topics: every query of somebody who is held to some has this condition. */
export function addTopicPrefixes(conditions: Conditions, topicPrefixes: readonly string[]): void {
  if (topicPrefixes.length > 0)
    conditions.add('EXISTS (SELECT FROM unnest(?::text[]) AS prefix WHERE starts_with(topic, prefix))', topicPrefixes);
}

/** Words in any of their forms, as the full-text search knows them. */
function isFound(text: string, query: string): string {
  return `to_tsvector('english', ${text}) @@ websearch_to_tsquery('english', ${query})`;
}

/** A word of a search as patterns of ILIKE. */
interface SearchedWord {
  readonly inText: string;
  /** For the escaped text of a key's bytes. */
  readonly inKey: string;
}

export function wordsOf(text: string | null): SearchedWord[] {
  const words = (text ?? '').trim().split(/\s+/);
  return words.filter((word) => word !== '').map((word) => ({ inText: patternOf(word), inKey: patternOf(escapedBytes(word)) }));
}

/** As PostgreSQL's `encode(…, 'escape')` writes bytes. */
function escapedBytes(word: string): string {
  const text = Buffer.from(word).toString('latin1').replaceAll('\\', '\\\\');
  return text.replaceAll(/[\x80-\xff]/g, (byte) => `\\${byte.charCodeAt(0).toString(8)}`);
}

function patternOf(word: string): string {
  return `%${word.replaceAll(/[\\%_]/g, '\\$&')}%`;
}
