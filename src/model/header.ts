/** One header of a Kafka record. Names may repeat and the order counts. A null value is not an empty one. */
export interface Header {
  readonly name: string;
  readonly value: Buffer | null;
}

/** Bytes that {@link packHeaders} needs: for each header an int32 length and the name, an int32 length (-1: null) and the value. */
export function packedBytes(headers: readonly Header[]): number {
  let bytes = 0;
  for (const header of headers) bytes += 8 + Buffer.byteLength(header.name) + (header.value?.length ?? 0);
  return bytes;
}

/** Writes `headers` at `at` in the form that slabs and segment frames share; returns the position after them. Little-endian. */
export function packHeaders(headers: readonly Header[], into: Buffer, at: number): number {
  for (const { name, value } of headers) {
    const nameBytes = into.write(name, at + 4, 'utf8');
    at = into.writeInt32LE(nameBytes, at) + nameBytes;
    at = into.writeInt32LE(value?.length ?? -1, at);
    if (value) at += value.copy(into, at);
  }
  return at;
}

/** The headers in that form, in memory of their own. */
export function packed(headers: readonly Header[]): Buffer {
  const bytes = Buffer.alloc(packedBytes(headers));
  packHeaders(headers, bytes, 0);
  return bytes;
}

/** Reads back what {@link packHeaders} wrote. The values are views, not copies. */
export function unpackHeaders(bytes: Buffer): Header[] {
  const headers: Header[] = [];
  for (let at = 0; at < bytes.length; ) {
    const nameBytes = bytes.readInt32LE(at);
    const name = bytes.toString('utf8', at + 4, at + 4 + nameBytes);
    at += 4 + nameBytes;
    const valueBytes = bytes.readInt32LE(at);
    at += 4;
    headers.push({ name, value: valueBytes < 0 ? null : bytes.subarray(at, at + valueBytes) });
    at += Math.max(0, valueBytes);
  }
  return headers;
}
