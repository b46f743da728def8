import { HttpRefusal } from '../../drivers/http/problem.ts';
import type { ObjectStore } from '../../drivers/storage/object-store.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import type { Caller } from '../../model/access.ts';
import type { Fault } from '../../model/verdict.ts';
import type { EditableRow, EditStore, StoredEdit } from '../../store/edits.ts';
import { readFrame } from '../../store/frame-reader.ts';
import type { Frame } from '../../store/segment.ts';
import type { ValueChecker } from '../../workers/value-checker.ts';
import type { Edit, EditCheck } from '../contract/records.ts';
import { applyChange, type Change } from './change.ts';
import { keepEdits } from './keep-edits.ts';

export interface EditsOptions {
  readonly storage: ObjectStore;
  readonly store: EditStore;
  readonly checker: ValueChecker;
  readonly clock?: Clock;
}

export interface EditRequest {
  readonly recordId: string;
  /** The row's version that the caller has seen. */
  readonly version: number;
  /** The whole new text, or what is to be made of the original. */
  readonly made: { readonly value: string } | { readonly change: Change };
  /** Null: as the pipeline would judge it now. */
  readonly schemaVersion: string | null;
}

/** An edited value and what is said of it. */
interface Judged {
  readonly frame: Frame;
  readonly value: Buffer;
  readonly schema: { readonly name: string; readonly version: string } | null;
  readonly fault: Fault | null;
}

const open: ReadonlySet<string> = new Set(['quarantined', 'in_review']);

/** Edits of single records. The original stays as it is; the newest edit is what a replay sends. */
export class Edits {
  readonly #options: EditsOptions;

  constructor(options: EditsOptions) {
    this.#options = options;
  }

  /** Keeps an edit if its value is valid; refuses it with the verdict if not. Returns it with the row's new version. */
  async editRecord(request: EditRequest, caller: Caller): Promise<{ edit: Edit; version: number }> {
    const { storage, store, clock = systemClock } = this.#options;
    const row = await this.#row(request.recordId, caller);
    if (row.version !== request.version) throw changedMeanwhile();
    const { frame, value, schema, fault } = await this.#judge(row, request);
    if (fault) throw new HttpRefusal(422, `The edited text is not valid: ${fault.error_message}.`, { verdict: verdictOf(fault) });
    const { made } = request;
    const source = 'change' in made ? made.change.source : null;
    const kept = await keepEdits([{ row, frame, value, schema }], { storage, store, by: caller.name, source, nowMs: clock.now() });
    const edit = kept.get(row.id);
    if (!edit) throw changedMeanwhile();
    const stored = (await store.list(row.id)).find(({ id }) => id === edit.id) as StoredEdit;
    return { edit: { ...describeEdit(stored), ...(caller.payloadRead && { value: value.toString() }) }, version: edit.version };
  }

  /** What would be said of an edit. Nothing is kept. */
  async checkEdit(request: Omit<EditRequest, 'version'>, caller: Caller): Promise<EditCheck> {
    const { fault } = await this.#judge(await this.#row(request.recordId, caller), request);
    return { valid: fault === null, verdict: fault && verdictOf(fault) };
  }

  /** All edits of a record, oldest first; with their texts for those who may read payloads. */
  async editsOf(recordId: string, caller: Caller): Promise<Edit[]> {
    const { status } = await this.#row(recordId, caller);
    const stored = await this.#options.store.list(recordId);
    return Promise.all(
      stored.map(async (edit) => {
        const text =
          caller.payloadRead && status !== 'erased' ? { value: (await readFrame(this.#options.storage, edit)).value.toString() } : {};
        return { ...describeEdit(edit), ...text };
      }),
    );
  }

  async #judge(row: EditableRow, { made, schemaVersion }: Omit<EditRequest, 'version'>): Promise<Judged> {
    if (!open.has(row.status))
      throw new HttpRefusal(409, `The record is ${row.status}; only a record that is in quarantine can be edited.`);
    const frame = await readFrame(this.#options.storage, row);
    const changed = 'value' in made ? { value: Buffer.from(made.value) } : applyChange(frame.value, made.change, null);
    if ('problem' in changed) throw new HttpRefusal(422, `The record cannot be patched: ${changed.problem}.`);
    const { value } = changed;
    const named = schemaVersion !== null && row.schemaName !== null ? { name: row.schemaName, version: schemaVersion } : undefined;
    const [verdict] = await this.#options.checker.check([
      { topic: row.topic, key: frame.key, headers: frame.headers, value, schema: named },
    ]);
    const { fault = null, schema = null, mendedBy = [] } = verdict ?? {};
    if (mendedBy.length > 0)
      throw new HttpRefusal(422, `The edited text is valid only with the rules ${mendedBy.join(', ')} of its schema.`);
    return { frame, value, schema, fault };
  }

  async #row(id: string, { topicPrefixes }: Caller): Promise<EditableRow> {
    const row = await this.#options.store.row(id);
    const isSeen = row && (topicPrefixes.length === 0 || topicPrefixes.some((prefix) => row.topic.startsWith(prefix)));
    if (!isSeen) throw new HttpRefusal(404, 'There is no record of that id.');
    return row;
  }
}

function changedMeanwhile(): HttpRefusal {
  return new HttpRefusal(412, 'The record was changed meanwhile. Read it again and repeat the edit on what it is now.');
}

/** What of a fault goes to a caller; none of it holds a value of the payload. */
function verdictOf({ outcome, error_type, error_message, field_path, instance_path, keyword, schema_name, schema_version }: Fault) {
  return { outcome, error_type, error_message, field_path, instance_path, keyword, schema_name, schema_version };
}

function describeEdit(stored: StoredEdit): Edit {
  return {
    id: stored.id,
    record_id: stored.recordId,
    at: stored.at.toISOString(),
    by: stored.by,
    schema_name: stored.schemaName,
    schema_version: stored.schemaVersion,
    valid: true,
    payload_sha256: stored.payloadSha256.toString('hex'),
    payload_bytes: stored.payloadBytes,
  };
}
