/**
 * Headers that machines between the producer and here have put on, and that would mislead machines behind the target: the dead letter
 * families of Kafka Connect, Kafka Streams, share groups, Spring, SmallRye and Confluent rules, counters of retries, and the mark by
 * which MSK Replicator knows what it has copied. A name, or the beginning of names with `*`. Trace and correlation ids stay.
 */
export const infrastructureHeaders: readonly string[] = [
  '__connect.errors.*',
  '__streams.errors.*',
  '__dlq.errors.*',
  'kafka_dlt-*',
  'retry_topic-*',
  'dead-letter-*',
  '__rule.*',
  'dlq_reason',
  'dlq_replay_count',
  'replay_count',
  '__mskmr',
];
