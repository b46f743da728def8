/**
 * The 32-bit murmur2 hash of Kafka's Java client, made positive as its default partitioner does, so that a key lands on the
 * partition that a Java producer would choose (`org.apache.kafka.common.utils.Utils.murmur2` and `toPositive`).
 */
export function murmur2(bytes: Uint8Array): number {
  const multiplier = 0x5bd1e995;
  const words = bytes.length >> 2;
  let hash = 0x9747b28c ^ bytes.length;
  for (let word = 0; word < words; word++) {
    const at = word * 4;
    let mixed = byteAt(bytes, at) | (byteAt(bytes, at + 1) << 8) | (byteAt(bytes, at + 2) << 16) | (byteAt(bytes, at + 3) << 24);
    mixed = Math.imul(mixed, multiplier);
    mixed = Math.imul(mixed ^ (mixed >>> 24), multiplier);
    hash = Math.imul(hash, multiplier) ^ mixed;
  }
  const tail = words * 4;
  const left = bytes.length - tail;
  if (left === 3) hash ^= byteAt(bytes, tail + 2) << 16;
  if (left >= 2) hash ^= byteAt(bytes, tail + 1) << 8;
  if (left >= 1) hash = Math.imul(hash ^ byteAt(bytes, tail), multiplier);
  hash = Math.imul(hash ^ (hash >>> 13), multiplier);
  return (hash ^ (hash >>> 15)) & 0x7fffffff;
}

function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] as number;
}
