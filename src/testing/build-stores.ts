import { type Clock, systemClock } from '../lib/clock.ts';
import { SinkPolicy } from '../lib/sink-policy.ts';
import { type SinkName, Stores, type StoresOptions } from '../pipeline/sink/stores.ts';

export interface BuildStoresOptions {
  readonly clock?: Clock;
  readonly failuresMax?: number;
  readonly onFailure?: (sink: SinkName, code: string) => void;
}

/** Stores on doubles, with the policies of the service but for what is told of their failures and states. */
export function buildStores(doubles: Pick<StoresOptions, 'storage' | 'records'>, options: BuildStoresOptions = {}): Stores {
  const { clock = systemClock, failuresMax = 3, onFailure = () => {} } = options;
  const policyOf = (sink: SinkName, awayCode: 'DQ_STORAGE_UNREACHABLE' | 'DQ_POSTGRES_UNREACHABLE') =>
    new SinkPolicy({ sink, awayCode, failuresMax, onState: () => {}, onFailure: ({ code }) => onFailure(sink, code) });
  return new Stores({
    ...doubles,
    policies: { storage: policyOf('storage', 'DQ_STORAGE_UNREACHABLE'), postgres: policyOf('postgres', 'DQ_POSTGRES_UNREACHABLE') },
    clock,
    callMsMax: 1_000,
    onDuration: () => {},
  });
}
