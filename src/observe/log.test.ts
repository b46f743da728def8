import { expect, test } from 'vitest';
import { DataQuarantineError } from '../lib/errors.ts';
import { createLog, describeError } from './log.ts';

/** The lines that `write` makes a log write, parsed. */
function linesOf(write: (log: ReturnType<typeof createLog>) => void, level = 'info'): Record<string, unknown>[] {
  const lines: string[] = [];
  write(createLog({ level, stream: { write: (line: string) => void lines.push(line) } }));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('a line is one JSON object with a readable level and time', () => {
  const [line] = linesOf((log) => log.info({ partition: 3 }, 'assigned'));
  expect(line).toEqual({ level: 'info', time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/), partition: 3, msg: 'assigned' });
});

test('lines below the level are not written', () => {
  expect(linesOf((log) => log.info('quiet'), 'warn')).toEqual([]);
});

test('fields of telling names are masked', () => {
  const [line] = linesOf((log) => log.info({ password: 's3cret', storage: { secretAccessKey: 's3cret' } }, 'x'));
  expect(JSON.stringify(line)).not.toContain('s3cret');
});

test('of an error only type, code, message, stack and cause are written', () => {
  const refused = Object.assign(new Error('duplicate key value'), {
    code: '23505',
    detail: 'Key (key)=(s3cret) exists',
    where: 'COPY line 1: s3cret',
  });
  const [line] = linesOf((log) => log.error({ err: new DataQuarantineError('DQ_POSTGRES_REFUSED', 'refused', { cause: refused }) }, 'x'));
  expect(JSON.stringify(line)).not.toContain('s3cret');
  expect(line).toMatchObject({
    err: { type: 'DataQuarantineError', code: 'DQ_POSTGRES_REFUSED', message: 'refused', cause: { type: 'Error', code: '23505' } },
  });
});

test('an error is masked when it is the only thing logged, too', () => {
  const [line] = linesOf((log) => log.error(Object.assign(new Error('bad'), { detail: 's3cret' })));
  expect(JSON.stringify(line)).not.toContain('s3cret');
  expect(line).toMatchObject({ err: { message: 'bad' }, msg: 'bad' });
});

test('a password in an address is taken out of the message and the message is cut', () => {
  expect(describeError(new Error('cannot reach postgres://ann:s3cret@db:5432/dq')).message).toBe(
    'cannot reach postgres://********@db:5432/dq',
  );
  expect(describeError(new Error('x'.repeat(5_000))).message).toHaveLength(2_001);
});

test('a chain of causes ends', () => {
  const circular = new Error('round');
  circular.cause = circular;
  expect(JSON.stringify(describeError(circular)).match(/round/g)?.length).toBe(5);
});
