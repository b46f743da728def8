import type { BulkEdit, Group, GroupPatch, Proposal } from '../../../contract/groups.ts';
import type { Page } from '../../../contract/page.ts';
import type { Edit, EditCheck, RecordDetail, RecordFacets, RecordFilter, RecordItem } from '../../../contract/records.ts';
import type { Replay, ReplayBody } from '../../../contract/replays.ts';
import type { CompatibilityReport, DriftItem, SchemaSummary, SchemaVersion, WhatIfReport } from '../../../contract/schemas.ts';
import type { AuditEntry } from '../../../contract/session.ts';
import type { EffectiveSetting } from '../../../contract/settings.ts';
import { call, callBytes, type Query } from './client.ts';

/** The calls of the service that the page makes, by their names. */

export interface RecordPage extends Page<RecordItem> {
  readonly facets?: RecordFacets;
}

interface EditOfText {
  readonly value: string;
  readonly schema_version?: string;
}

const at = (id: string) => encodeURIComponent(id);
const signalOf = (signal: AbortSignal | undefined) => (signal ? { signal } : {});

export const records = {
  list: (query: Query, signal?: AbortSignal) => call<RecordPage>('/records', { query, ...signalOf(signal) }),
  get: (id: string, signal?: AbortSignal) => call<RecordDetail>(`/records/${at(id)}`, signalOf(signal)),
  payload: (id: string, signal?: AbortSignal) => callBytes(`/records/${at(id)}/payload`, signalOf(signal)),
  edits: (id: string, query: Query, signal?: AbortSignal) => call<Page<Edit>>(`/records/${at(id)}/edits`, { query, ...signalOf(signal) }),
  setStatus: (id: string, status: RecordItem['status'], version: number) =>
    call<RecordItem>(`/records/${at(id)}`, { method: 'PATCH', body: { status }, version }),
  discard: (id: string, version: number) => call<RecordItem>(`/records/${at(id)}/discard`, { method: 'POST', body: {}, version }),
  /** What the service would say of this text. Nothing is kept. */
  check: (id: string, body: EditOfText, signal: AbortSignal) =>
    call<EditCheck>(`/records/${at(id)}/edits/check`, { method: 'POST', body, signal }),
  /** Fails with 422 and the verdict where the text is still invalid. */
  edit: (id: string, body: EditOfText, version: number) => call<Edit>(`/records/${at(id)}/edits`, { method: 'POST', body, version }),
};

export const groups = {
  list: (query: Query, signal?: AbortSignal) => call<Page<Group>>('/groups', { query, ...signalOf(signal) }),
  get: (fingerprint: string, signal?: AbortSignal) => call<Group>(`/groups/${at(fingerprint)}`, signalOf(signal)),
  patch: (fingerprint: string, body: GroupPatch, version: number) =>
    call<Group>(`/groups/${at(fingerprint)}`, { method: 'PATCH', body, version }),
  proposals: (fingerprint: string, signal?: AbortSignal) =>
    call<{ items: readonly Proposal[] }>(`/groups/${at(fingerprint)}/proposals`, signalOf(signal)),
  /** `text` is the JSON text of a list: operations of a patch, or rules of a schema file. */
  bulkEdit: (fingerprint: string, { kind, text, dryRun, overwrite }: Change, version: number) => {
    const bodyText = `{"${kind}":${text},"dry_run":${dryRun},"overwrite":${overwrite}}`;
    return call<BulkEdit>(`/groups/${at(fingerprint)}/edits`, { method: 'POST', bodyText, version });
  },
};

/** One change over a cause. Its text goes as it was written, numbers and all. */
interface Change {
  readonly kind: 'patch' | 'rules';
  readonly text: string;
  readonly dryRun: boolean;
  readonly overwrite: boolean;
}

export const replays = {
  list: (query: Query, signal?: AbortSignal) => call<Page<Replay>>('/replays', { query, ...signalOf(signal) }),
  get: (id: string, signal?: AbortSignal) => call<Replay>(`/replays/${at(id)}`, signalOf(signal)),
  create: (body: Partial<ReplayBody>) => call<Replay>('/replays', { method: 'POST', body }),
  act: (id: string, action: 'start' | 'pause' | 'cancel') => call<Replay>(`/replays/${at(id)}/${action}`, { method: 'POST', body: {} }),
};

export const schemas = {
  list: (signal?: AbortSignal) => call<Page<SchemaSummary>>('/schemas', signalOf(signal)),
  versions: (name: string, signal?: AbortSignal) => call<Page<SchemaVersion>>(`/schemas/${at(name)}/versions`, signalOf(signal)),
  check: (name: string, schema: unknown, mode: string) =>
    call<CompatibilityReport>(`/schemas/${at(name)}/check`, { method: 'POST', body: { schema, mode } }),
  whatIf: (name: string, schema: unknown) => call<WhatIfReport>(`/schemas/${at(name)}/whatif`, { method: 'POST', body: { schema } }),
};

export const observations = {
  drift: (query: Query, signal?: AbortSignal) => call<Page<DriftItem>>('/drift', { query, ...signalOf(signal) }),
  settings: (signal?: AbortSignal) => call<Page<EffectiveSetting>>('/settings', signalOf(signal)),
  audit: (query: Query, signal?: AbortSignal) => call<Page<AuditEntry>>('/audit', { query, ...signalOf(signal) }),
};

/** The filter of a list of records as the query of its address says it. */
export function filterOf(query: URLSearchParams): RecordFilter {
  const names = ['status', 'topic', 'schema', 'error_type', 'fingerprint', 'field', 'family', 'q', 'from', 'to'] as const;
  return Object.fromEntries(names.flatMap((name) => (query.get(name) ? [[name, query.get(name)]] : []))) as RecordFilter;
}
