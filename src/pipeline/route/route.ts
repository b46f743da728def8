import { assert } from '../../lib/assert.ts';
import { murmur2 } from '../../lib/murmur2.ts';
import type { Batch } from '../../model/batch.ts';
import type { Delivery, Judged } from '../../model/delivery.ts';
import { answer } from '../../model/slab.ts';

/**
 * Says where each message of a judged batch goes. Source order is kept: rows stand in the order they were consumed, and a source
 * partition maps to one target partition, its number modulo the target's count. Only a keyless message whose schema names a key
 * goes where a Java producer would have sent that key. What is withheld goes nowhere.
 */
export function route(batch: Batch, judged: Judged, validPartitions: number): Delivery {
  const { slab } = batch;
  const passing = slab.count - judged.rejects.length;
  const rows = new Int32Array(passing);
  const partitions = new Int32Array(passing);
  let at = 0;
  let withheld = 0;
  for (let row = 0; row < slab.count; row++) {
    const said = slab.answers[row];
    assert(said !== answer.pending, 'a message was routed without an answer');
    if (said === answer.faulty || said === answer.pointer) continue;
    if (said === answer.withheld) {
      withheld += 1;
      continue;
    }
    assert(at + withheld < passing, 'a message is both good and bad');
    const key = judged.keys.get(row);
    rows[at] = row;
    partitions[at] = (key ? murmur2(key) : slab.partition(row)) % validPartitions;
    at += 1;
  }
  assert(at + withheld === passing, 'a message was neither good nor bad');
  const { keys, rejects, mended } = judged;
  return { batch, rows: rows.subarray(0, at), partitions: partitions.subarray(0, at), keys, rejects, ...(mended && { mended }) };
}
