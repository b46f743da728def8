import type { Mended, Reject } from '../model/delivery.ts';
import type { SlabWire } from '../model/slab.ts';
import type { Engine } from '../model/verdict.ts';
import type { CatalogReference } from '../registry/catalog.ts';
import type { FieldCount } from './field-sampler.ts';
import type { JudgeLimits } from './read-json.ts';

/** Which schemas the messages of a topic may have. */
export interface TopicRules {
  /** The schema of messages that name none; null: such a message is `schema_missing`. */
  readonly schema: string | null;
  /** Names of the schemas that messages may name beside it; null where no list was given. */
  readonly allowed: readonly string[] | null;
  /** Refuse messages that name another schema. */
  readonly strict: boolean;
}

/** One batch to judge. Answers and schema numbers are written into the slab, the rest comes back. */
export interface JudgeTask {
  readonly slab: SlabWire;
  readonly count: number;
  /** The rows to judge, `to` not included. */
  readonly range: { readonly from: number; readonly to: number };
  /** By the rows' topic column. */
  readonly topics: readonly TopicRules[];
  readonly catalog: CatalogReference;
  readonly limits: JudgeLimits;
  /** `native` judges first and says yes where it is sure; JavaScript has the last word on all else. */
  readonly engine: Engine;
  /** Headers that name the producer of a message: some messages are looked at for fields that nobody planned. Null: none are. */
  readonly producerHeaders: readonly string[] | null;
  /** Needs that the schema registry, asked, could not meet. */
  readonly absent: readonly string[];
}

/** What a judge says of a batch beside the columns of its slab. */
export interface Judgement {
  /** In the order of rows. */
  readonly rejects: readonly Reject[];
  /** Row and key of each valid keyless message whose schema names a `key` field that it has. */
  readonly keys: readonly (readonly [number, Uint8Array])[];
  /** Messages that fit their schema after its rules have mended them, in the order of rows; left out where there are none. */
  readonly mended?: readonly Mended[];
  /** Schema number and seconds of about one judged message in 256. */
  readonly samples: readonly (readonly [number, number])[];
  /** Messages that the native engine would have refused and that are valid. */
  readonly disagreements: number;
  /** What some rows need of the schema registry, see `registry/schema-need.ts`. Those rows have no answer: judge again once it is met or absent. */
  readonly needs: readonly string[];
  /** What a few of the valid messages hold. */
  readonly fields: readonly FieldCount[];
}
