import { type Command, Option } from 'commander';
import { type DeadLetterFamily, deadLetterFamilies } from '../model/dead-letter-family.ts';
import type { RecordFilter } from '../review/contract/records.ts';

export interface RecordFilterOptions {
  readonly status?: string;
  readonly topic?: string;
  readonly schema?: string;
  readonly errorType?: string;
  readonly fingerprint?: string;
  readonly field?: string;
  readonly family?: DeadLetterFamily;
  readonly query?: string;
  readonly from?: string;
  readonly to?: string;
}

/** Adds the words that select records. */
export function addRecordFilter(command: Command): Command {
  return command
    .option('--status <status>', 'quarantined, in_review, replaying, replayed, discarded or erased')
    .option('-t, --topic <topic>', 'the source topic')
    .option('--schema <name>', 'the schema')
    .option('--error-type <type>', 'such as schema_violation')
    .option('--fingerprint <fingerprint>', 'the cause')
    .option('--field <path>', 'the field, as in items[0].sku')
    .addOption(new Option('--family <family>', 'dead letters of one family that were taken in').choices(deadLetterFamilies))
    .option('-q, --query <words>', 'words in error text, field, key or schema')
    .option('--from <time>', 'quarantined at or after this moment, as in 2026-11-03T10:00:00Z')
    .option('--to <time>', 'quarantined before this moment');
}

/** The filter as the API takes it. */
export function filterOf({
  status,
  topic,
  schema,
  errorType,
  fingerprint,
  field,
  family,
  query,
  from,
  to,
}: RecordFilterOptions): RecordFilter {
  const given = { status, topic, schema, error_type: errorType, fingerprint, field, family, q: query, from, to };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as RecordFilter;
}
