import type { RecordStatus } from '../model/record.ts';

/** Which records; a null does not narrow. The same words select for lists, facets and replay plans. */
export interface RecordSelection {
  readonly status: RecordStatus | null;
  readonly topic: string | null;
  readonly schema: string | null;
  readonly errorType: string | null;
  readonly fingerprint: string | null;
  readonly field: string | null;
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
    this.values.push(value);
    this.#texts.push(text.replaceAll('?', `$${this.values.length}`));
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

/** What the text of a record is searched in. */
const searched = `concat_ws(' ', error_message, field_path, schema_name, schema_version, error_type)`;
/** Bytes that are not UTF-8 cannot be text, so a key is looked through as the escaped text of its bytes. */
const searchedKey = `encode(substring(key FROM 1 FOR 64), 'escape')`;

/** The conditions of a selection on rows of `quarantine_records`. */
export function selectionConditions(selection: RecordSelection, values: readonly unknown[] = []): Conditions {
  const conditions = new Conditions(values);
  addCauseConditions(conditions, selection);
  conditions.addIf('status = ?', selection.status);
  conditions.addIf('fingerprint = ?', selection.fingerprint);
  conditions.addIf('quarantined_at >= ?::timestamptz', selection.from);
  conditions.addIf('quarantined_at < ?::timestamptz', selection.to);
  for (const word of wordsOf(selection.text)) {
    const inKey = selection.searchKeys ? ` OR ${searchedKey} ILIKE ?` : '';
    conditions.add(`(${searched} ILIKE ?${inKey})`, word);
  }
  return conditions;
}

/** Those that say something of the cause alone. */
function addCauseConditions(conditions: Conditions, { topic, schema, errorType, field, topicPrefixes }: RecordSelection): void {
  conditions.addIf('topic = ?', topic);
  conditions.addIf('schema_name = ?', schema);
  conditions.addIf('error_type = ?', errorType);
  conditions.addIf('field_path = ?', field);
  if (topicPrefixes.length > 0)
    conditions.add('EXISTS (SELECT FROM unnest(?::text[]) AS prefix WHERE starts_with(topic, prefix))', topicPrefixes);
}

/** The words of a search as patterns of ILIKE. */
function wordsOf(text: string | null): string[] {
  const words = (text ?? '').replaceAll('\0', '').trim().split(/\s+/);
  return words.filter((word) => word !== '').map((word) => `%${word.replaceAll(/[\\%_]/g, '\\$&')}%`);
}
