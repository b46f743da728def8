import type { Fault } from '../model/verdict.ts';

/** What is wrong with a message whose schema wanted a text in one place. */
export const sampleFault: Fault = {
  outcome: 'invalid',
  error_type: 'schema_violation',
  error_message: 'must be a "string"',
  field_path: 'items[3].sku',
  instance_path: '/items/3/sku',
  engine: 'js',
  keyword: 'type',
  fingerprint: 'v1:00000000000000000000000000000000',
  schema_name: 'user_event',
  schema_version: '1.1.0',
};
