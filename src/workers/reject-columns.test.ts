import { expect, test } from 'vitest';
import type { Reject } from '../model/delivery.ts';
import { plainFault } from './fault.ts';
import { packRejects, unpackRejects } from './reject-columns.ts';

test('rejects cross the threads in their order, and equal faults as one object', () => {
  const [deep, large] = [plainFault('too_deep', 'expected less depth'), plainFault('too_large', 'expected fewer bytes')];
  const rejects: Reject[] = [
    { row: 3, fault: deep, isJson: true },
    { row: 7, fault: large },
    { row: 9, fault: deep, isJson: false },
  ];
  const columns = packRejects(rejects);
  expect(columns.faults).toEqual([deep, large]);
  expect(unpackRejects(structuredClone(columns))).toEqual(rejects);
  expect(unpackRejects(packRejects([]))).toEqual([]);
});
