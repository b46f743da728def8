import type { DatabaseClient } from '../../drivers/postgres/database.ts';
import type { ObjectStore } from '../../drivers/storage/object-store.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { DataQuarantineError } from '../../lib/errors.ts';
import { withinBytes } from '../../lib/within-bytes.ts';
import type { Caller } from '../../model/access.ts';
import type { EditableRow, EditStore, GroupCursor } from '../../store/edits.ts';
import type { Payloads } from '../../store/payloads.ts';
import type { Frame } from '../../store/segment.ts';
import type { ValueChecker } from '../../workers/value-checker.ts';
import type { BulkEdit } from '../contract/groups.ts';
import { applyChange, type Change } from './change.ts';
import { type Edited, keepEdits } from './keep-edits.ts';
import type { SchemaDocuments } from './schema-documents.ts';

export interface BulkEditsOptions {
  /** Takes the edited values. */
  readonly storage: ObjectStore;
  readonly payloads: Payloads;
  readonly store: EditStore;
  readonly checker: ValueChecker;
  readonly schemas: SchemaDocuments;
  readonly clock?: Clock;
}

export interface BulkRequest {
  readonly fingerprint: string;
  readonly change: Change;
  /** Null: as the pipeline would judge each record now. */
  readonly schemaVersion: string | null;
  readonly dryRun: boolean;
  /** Edit records too that have an edit already. */
  readonly overwrite: boolean;
}

/** Edits of a bulk that were kept at once. */
export interface KeptTogether {
  readonly edits: number;
  /** How many of them took the place of an earlier one. */
  readonly replaced: number;
}

/** What a change makes of one record. */
export interface Outcome {
  readonly row: EditableRow;
  readonly outcome: 'mended' | 'still_invalid' | 'unpatchable';
  readonly message: string | null;
  readonly before: Buffer | null;
  readonly after: Buffer | null;
  /** Set where it is mended. */
  readonly edited: Edited | null;
}

type Example = BulkEdit['examples'][number];

interface Keeping {
  readonly change: Change;
  readonly caller: Caller;
  readonly also: (client: DatabaseClient, kept: KeptTogether) => Promise<void>;
}

const pageRows = 500;
const pageBytes = 16 * 2 ** 20;
const examplesMax = 10;
/** Much of a text says no more than a little of it. */
const exampleCharactersMax = 4_000;

/**
 * One change over all open records of a group: looked at first, then done. Each record is judged, and only what is valid then is kept. A record
 * that has an edit already is left alone unless `overwrite` says otherwise: somebody's hand was there.
 */
export class BulkEdits {
  readonly #options: BulkEditsOptions;

  constructor(options: BulkEditsOptions) {
    this.#options = options;
  }

  /** `also` happens in the transaction of each page of edits that is kept. */
  async edit(
    { fingerprint, change, schemaVersion, dryRun, overwrite }: BulkRequest,
    caller: Caller,
    also: (client: DatabaseClient, kept: KeptTogether) => Promise<void>,
  ): Promise<BulkEdit> {
    const counts = { records: 0, mended: 0, still_invalid: 0, unpatchable: 0, changed: 0, edited: 0 };
    const examples = new Map<Outcome['outcome'], Example[]>();
    for await (const rows of this.#pages(fingerprint, caller)) {
      counts.records += rows.length;
      counts.edited += rows.filter(({ isEdited }) => isEdited).length;
      const open = overwrite ? rows : rows.filter(({ isEdited }) => !isEdited);
      const outcomes = await this.outcomesOf(open, change, schemaVersion);
      const mended = outcomes.flatMap(({ edited }) => edited ?? []);
      const kept = dryRun ? null : await this.#keep(mended, { change, caller, also });
      for (const one of outcomes) {
        if (one.edited && kept && !kept.has(one.row.id)) counts.changed += 1;
        else counts[one.outcome] += 1;
        const alike = examples.get(one.outcome) ?? [];
        if (alike.length < examplesMax) examples.set(one.outcome, [...alike, exampleOf(one, caller)]);
      }
    }
    return { ...counts, examples: [...examples.values()].flat() };
  }

  /** The newest open records of a group, at most `limit`. */
  async sample(fingerprint: string, limit: number, { topicPrefixes }: Caller): Promise<EditableRow[]> {
    return withinBytes(await this.#options.store.openRows(fingerprint, { after: null, limit, prefixes: topicPrefixes }), pageBytes);
  }

  async outcomesOf(rows: readonly EditableRow[], change: Change, schemaVersion: string | null): Promise<Outcome[]> {
    const { payloads, checker, schemas } = this.#options;
    const frames = await payloads.frames(rows);
    const tried: { row: EditableRow; frame: Frame; after: Buffer }[] = [];
    const outcomes = new Map<EditableRow, Outcome>();
    for (const [index, row] of rows.entries()) {
      const frame = frames[index] as Frame | DataQuarantineError;
      const unpatchable = (message: string, before: Buffer | null) =>
        outcomes.set(row, { row, outcome: 'unpatchable', message, before, after: null, edited: null });
      if (frame instanceof DataQuarantineError) {
        unpatchable(frame.message, null);
        continue;
      }
      const changed = applyChange(frame.value, change, await schemas.find(row.schemaName, schemaVersion));
      if ('problem' in changed) unpatchable(changed.problem, frame.value);
      else tried.push({ row, frame, after: changed.value });
    }
    const verdicts = await checker.check(
      tried.map(({ row, frame, after }) => {
        const schema = schemaVersion !== null && row.schemaName !== null ? { name: row.schemaName, version: schemaVersion } : undefined;
        return { topic: row.topic, key: frame.key, headers: frame.headers, value: after, schema };
      }),
    );
    for (const [index, { row, frame, after }] of tried.entries()) {
      const { fault = null, schema = null, mendedBy = [] } = verdicts[index] ?? {};
      const isValid = fault === null && mendedBy.length === 0;
      const message = fault?.error_message ?? (isValid ? null : 'it is valid only with the rules of its schema');
      const edited = isValid ? { row, frame, value: after, schema } : null;
      outcomes.set(row, { row, outcome: isValid ? 'mended' : 'still_invalid', message, before: frame.value, after, edited });
    }
    return rows.map((row) => outcomes.get(row) as Outcome);
  }

  async #keep(mended: readonly Edited[], { change, caller, also }: Keeping): Promise<ReadonlyMap<string, unknown>> {
    const { storage, store, clock = systemClock } = this.#options;
    const again = new Set(mended.flatMap(({ row }) => (row.isEdited ? [row.id] : [])));
    return keepEdits(mended, {
      storage,
      store,
      by: caller.name,
      source: change.source,
      nowMs: clock.now(),
      also: (client, kept) => also(client, { edits: kept.size, replaced: [...kept.keys()].filter((id) => again.has(id)).length }),
    });
  }

  /** All open records of the group that were there at the beginning, newest first. */
  async *#pages(fingerprint: string, { topicPrefixes }: Caller): AsyncGenerator<EditableRow[]> {
    let after: GroupCursor | null = null;
    for (;;) {
      const rows: EditableRow[] = withinBytes(
        await this.#options.store.openRows(fingerprint, { after, limit: pageRows, prefixes: topicPrefixes }),
        pageBytes,
      );
      const last = rows.at(-1);
      if (!last) return;
      yield rows;
      after = { quarantinedAt: last.quarantinedAt, id: last.id };
    }
  }
}

function exampleOf({ row, outcome, message, before, after }: Outcome, { payloadRead }: Caller): Example {
  const shown = (bytes: Buffer | null) => bytes?.toString().slice(0, exampleCharactersMax);
  const texts = payloadRead ? { before: shown(before), after: shown(after) } : {};
  const given = Object.entries(texts).filter(([, text]) => text !== undefined);
  return { id: row.id, outcome, message, ...(Object.fromEntries(given) as Pick<Example, 'before' | 'after'>) };
}
