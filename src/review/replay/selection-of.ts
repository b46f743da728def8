import type { Caller } from '../../model/access.ts';
import type { RecordSelection } from '../../store/record-selection.ts';
import type { RecordFilter } from '../contract/records.ts';

/** The filter of a list or of a plan, held to what the caller may see. */
export function selectionOf(filter: RecordFilter, { payloadRead, topicPrefixes }: Caller): RecordSelection {
  return {
    status: filter.status ?? null,
    topic: filter.topic ?? null,
    schema: filter.schema ?? null,
    errorType: filter.error_type ?? null,
    fingerprint: filter.fingerprint ?? null,
    field: filter.field ?? null,
    family: filter.family ?? null,
    text: filter.q ?? null,
    searchKeys: payloadRead,
    from: filter.from ?? null,
    to: filter.to ?? null,
    topicPrefixes,
  };
}
