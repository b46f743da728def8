import { expect, test } from 'vitest';
import { DataQuarantineError, type ErrorCode } from '../lib/errors.ts';
import { Health } from '../observe/health.ts';
import { silentLog } from '../observe/log.ts';
import { whenThere } from './when-there.ts';

const away = (code: ErrorCode) => new DataQuarantineError(code, 'it is away');

function startWith(codes: ErrorCode[]): { started: Promise<string>; reasons: (string | null)[] } {
  const health = new Health(['registry']);
  const reasons: (string | null)[] = [];
  const work = async () => {
    reasons.push(health.checks()[0]?.reason ?? null);
    const code = codes.shift();
    if (code !== undefined) throw away(code);
    return 'there';
  };
  const passes = ({ code }: DataQuarantineError) => code !== 'DQ_SCHEMA_REGISTRY_REFUSED';
  const started = whenThere('registry', work, { log: silentLog(), health, signal: new AbortController().signal, passes });
  return { started, reasons };
}

test('what is away when the service starts is waited for, and readiness says why', async () => {
  const { started, reasons } = startWith(['DQ_SCHEMA_REGISTRY_UNREACHABLE']);
  expect(await started).toBe('there');
  expect(reasons.at(-1)).toBe('it is away');
});

test('what somebody must mend first ends the start, though a running service would try again', async () => {
  const { started, reasons } = startWith(['DQ_SCHEMA_REGISTRY_UNREACHABLE', 'DQ_SCHEMA_REGISTRY_REFUSED', 'DQ_SCHEMA_REGISTRY_REFUSED']);
  await expect(started).rejects.toMatchObject({ code: 'DQ_SCHEMA_REGISTRY_REFUSED' });
  expect(reasons).toHaveLength(2);
});
