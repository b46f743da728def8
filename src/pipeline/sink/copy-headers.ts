import type { ByteWriter } from '../../lib/byte-writer.ts';

/** All packed headers of a source but those of the names that are replaced, byte for byte. */
export function copyHeaders(writer: ByteWriter, packedHeaders: Buffer, replaced: readonly Buffer[]): void {
  for (let at = 0; at < packedHeaders.length; ) {
    const nameAt = at + 4;
    const valueAt = nameAt + packedHeaders.readInt32LE(at) + 4;
    const end = valueAt + Math.max(0, packedHeaders.readInt32LE(valueAt - 4));
    const name = packedHeaders.subarray(nameAt, valueAt - 4);
    if (!replaced.some((one) => one.equals(name))) writer.raw(packedHeaders.subarray(at, end));
    at = end;
  }
}
