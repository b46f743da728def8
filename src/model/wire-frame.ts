/*
 * The wire format of schema registries (Confluent): a zero byte, the schema's id in four bytes, big-endian, then the value. No JSON text
 * begins with a zero byte, so a value with a frame is never taken for one without.
 */

/** Bytes before the value. */
export const frameBytes = 5;

export function isFramed(value: Uint8Array): boolean {
  return value.length >= frameBytes && value[0] === 0;
}

/** The id in the frame that begins at `at`. */
export function framedId(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at + 1);
}
