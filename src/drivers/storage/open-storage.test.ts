import { expect, test } from 'vitest';
import { openStorage } from './open-storage.ts';

const access = { endpoint: null, region: 'us-east-1', accessKeyId: null, secretAccessKey: null };

test.each(['s3://data-quarantine', 's3://data.quarantine/', 's3://data-quarantine/a/b', 'file:///var/lib/dq'])(
  '%s is a store',
  async (url) => {
    await openStorage({ ...access, url }).close();
  },
);

test.each(['', 's3://', 's3://ab', 's3://Upper', 'file://relative/dir', 'file:relative', '/var/lib/dq', 'https://bucket.s3.amazonaws.com'])(
  'what reads %j is no store, and the error says how one reads',
  (url) => {
    expect(() => openStorage({ ...access, url })).toThrow(expect.objectContaining({ code: 'DQ_CONFIG_INVALID' }));
    expect(() => openStorage({ ...access, url })).toThrow('s3://BUCKET');
  },
);
