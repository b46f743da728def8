import { DataQuarantineError } from '../lib/errors.ts';
import { packed } from '../model/header.ts';
import { readFrames, type SegmentSource, type Stored } from './frame-reader.ts';
import type { Frame } from './segment.ts';
import { readSourceLog, type SourceLog, type SourceMessage } from './source-log.ts';
import { isSourceReference, parseSourceReference } from './source-reference.ts';

export interface PayloadsOptions {
  readonly storage: SegmentSource;
  /** Asked when something was left in its source, and not before. */
  readonly openSource: () => Promise<SourceLog & { close(): Promise<void> }>;
}

/** Reads quarantined messages back from wherever they lie: in segments of the object store, or in their source where a flood left them. */
export class Payloads {
  readonly #options: PayloadsOptions;
  #source: ReturnType<PayloadsOptions['openSource']> | null = null;

  constructor(options: PayloadsOptions) {
    this.#options = options;
  }

  /**
   * Messages in the order in which they are asked for. In the place of one that is not to be had stands why: `DQ_PAYLOAD_GONE` where the source
   * holds it no longer, `DQ_STORAGE_CORRUPT` where the store does not, or holds something else. That either of them is away is thrown.
   */
  async frames(stored: readonly Stored[]): Promise<(Frame | DataQuarantineError)[]> {
    const isLeft = ({ storagePath }: Stored) => isSourceReference(storagePath);
    const kept = stored.filter((one) => !isLeft(one));
    const inSegments = await readFrames(this.#options.storage, kept);
    const frames = new Map<Stored, Frame | DataQuarantineError>(kept.map((one, index) => [one, inSegments[index] as Frame]));
    const left = stored.filter(isLeft);
    if (left.length > 0) await readSourceLog(await this.#openSource(), left, (one, message) => void frames.set(one, frameOf(one, message)));
    return stored.map((one) => frames.get(one) ?? gone(one));
  }

  /** One message. Throws what stands in its place. */
  async frame(stored: Stored): Promise<Frame> {
    const [frame] = await this.frames([stored]);
    if (frame instanceof DataQuarantineError) throw frame;
    return frame as Frame;
  }

  async close(): Promise<void> {
    await this.#source?.then((source) => source.close()).catch(() => {});
  }

  #openSource(): ReturnType<PayloadsOptions['openSource']> {
    if (this.#source) return this.#source;
    const opening = this.#options.openSource();
    opening.catch(() => {
      this.#source = null;
    });
    this.#source = opening;
    return opening;
  }
}

/** A copy: the message is a view of everything that was fetched with it. */
function frameOf({ storagePath }: Stored, message: SourceMessage & { readonly value: Buffer }): Frame {
  const { offset, timestamp, headers } = message;
  const value = Buffer.from(message.value);
  return {
    partition: parseSourceReference(storagePath).partition,
    offset,
    timestamp,
    key: message.key && Buffer.from(message.key),
    headers: headers.map((header) => ({ name: header.name, value: header.value && Buffer.from(header.value) })),
    packedHeaders: packed(headers),
    value,
    place: { offset: 0, length: value.length },
  };
}

function gone({ storagePath }: Stored): DataQuarantineError {
  return new DataQuarantineError(
    'DQ_PAYLOAD_GONE',
    `a flood left the payload in its source, and the source no longer holds it: ${storagePath}`,
  );
}
