import { encodeSegment, type FrameParts, formatStoragePath, segmentKey, type ValuePlace } from './segment.ts';

export interface LaidSegment {
  readonly key: string;
  readonly bytes: Buffer;
}

/** Lays messages into segments, one a topic. `paths` say where each will lie once its segment is stored; they are in the messages' order. */
export function laySegments(
  messages: readonly (FrameParts & { readonly topic: string })[],
  nowMs: number,
): { readonly segments: readonly LaidSegment[]; readonly paths: readonly string[] } {
  const byTopic = new Map<string, number[]>();
  messages.forEach(({ topic }, index) => {
    const indexes = byTopic.get(topic);
    if (indexes) indexes.push(index);
    else byTopic.set(topic, [index]);
  });
  const paths = new Array<string>(messages.length);
  const segments = [...byTopic].map(([topic, indexes]) => {
    const { bytes, places } = encodeSegment(indexes.map((index) => messages[index] as FrameParts));
    const key = segmentKey(topic, nowMs);
    indexes.forEach((index, at) => {
      paths[index] = formatStoragePath(key, places[at] as ValuePlace);
    });
    return { key, bytes };
  });
  return { segments, paths };
}
