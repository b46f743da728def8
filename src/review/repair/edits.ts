import { HttpRefusal } from '../../drivers/http/problem.ts';
import type { DatabaseClient } from '../../drivers/postgres/database.ts';
import type { ObjectStore } from '../../drivers/storage/object-store.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { withinBytes } from '../../lib/within-bytes.ts';
import type { Caller } from '../../model/access.ts';
import type { Fault } from '../../model/verdict.ts';
import type { EditableRow, EditStore, StoredEdit } from '../../store/edits.ts';
import type { Payloads } from '../../store/payloads.ts';
import type { Frame } from '../../store/segment.ts';
import type { ValueChecker } from '../../workers/value-checker.ts';
import type { Edit, EditCheck } from '../contract/records.ts';
import { applyChange, type Change } from './change.ts';
import { type KeptEdit, keepEdits } from './keep-edits.ts';
import { lossOf, refuseLost } from './lost-payload.ts';

export interface EditsOptions {
  /** Takes the edited values. */
  readonly storage: ObjectStore;
  readonly payloads: Payloads;
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

const pageBytes = 32 * 2 ** 20;
const open: ReadonlySet<string> = new Set(['quarantined', 'in_review']);

/** Edits of single records. The original stays as it is; the newest edit is what a replay sends. */
export class Edits {
  readonly #options: EditsOptions;

  constructor(options: EditsOptions) {
    this.#options = options;
  }

  /**
   * Keeps an edit if its value is valid; refuses it with the verdict if not. Returns it with the row's new version. `also` happens in the
   * same transaction.
   */
  async editRecord(
    request: EditRequest,
    caller: Caller,
    also: (client: DatabaseClient, edit: KeptEdit) => Promise<void>,
  ): Promise<{ edit: Edit; version: number }> {
    const { storage, store, clock = systemClock } = this.#options;
    const row = await this.#row(request.recordId, caller);
    if (row.version !== request.version) throw changedMeanwhile();
    const { frame, value, schema, fault } = await this.#judge(row, request);
    if (fault) throw new HttpRefusal(422, `The edited text is not valid: ${fault.error_message}.`, { verdict: verdictOf(fault) });
    const { made } = request;
    const source = 'change' in made ? made.change.source : null;
    const kept = await keepEdits([{ row, frame, value, schema }], {
      storage,
      store,
      by: caller.name,
      source,
      nowMs: clock.now(),
      also: async (client, keptEdits) => {
        for (const one of keptEdits.values()) await also(client, one);
      },
    });
    const edit = kept.get(row.id);
    if (!edit) throw changedMeanwhile();
    const stored = (await store.find(edit.id)) as StoredEdit;
    return { edit: { ...describeEdit(stored), ...(caller.payloadRead && { value: value.toString() }) }, version: edit.version };
  }

  /** What would be said of an edit. Nothing is kept. */
  async checkEdit(request: Omit<EditRequest, 'version'>, caller: Caller): Promise<EditCheck> {
    const { fault } = await this.#judge(await this.#row(request.recordId, caller), request);
    return { valid: fault === null, verdict: fault && verdictOf(fault) };
  }

  /**
   * A page of the edits of a record from behind the edit `after` on, oldest first; with their texts for those who may read payloads, as far as
   * these are to be had. `next` is where to go on.
   */
  async editsOf(
    recordId: string,
    page: { after: string | null; limit: number },
    caller: Caller,
  ): Promise<{ items: Edit[]; next: string | null }> {
    const { status } = await this.#row(recordId, caller);
    const { store, payloads } = this.#options;
    const found = await store.list(recordId, { ...page, limit: page.limit + 1 });
    const shown = withinBytes(found.slice(0, page.limit), pageBytes);
    const frames = caller.payloadRead && status !== 'erased' ? await payloads.frames(shown) : [];
    const items = shown.map((edit, index) => {
      const frame = frames[index];
      return { ...describeEdit(edit), ...(frame && lossOf(frame) === null && { value: (frame as Frame).value.toString() }) };
    });
    return { items, next: found.length > shown.length ? (shown.at(-1)?.id ?? null) : null };
  }

  async #judge(row: EditableRow, { made, schemaVersion }: Omit<EditRequest, 'version'>): Promise<Judged> {
    if (!open.has(row.status))
      throw new HttpRefusal(409, `The record is ${row.status}; only a record that is in quarantine can be edited.`);
    const frame = await this.#options.payloads.frame(row).catch(refuseLost);
    const changed = 'value' in made ? { value: bytesOf(made.value) } : applyChange(frame.value, made.change, null);
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

/** What would be stored must be what was sent: half of a surrogate pair has no bytes in UTF-8. */
function bytesOf(text: string): Buffer {
  const at = text.search(/\p{Surrogate}/u);
  if (at < 0) return Buffer.from(text);
  throw new HttpRefusal(
    422,
    `The text has half of a surrogate pair at character ${at}, which UTF-8 cannot hold. Send it as the escape it is in JSON.`,
  );
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
