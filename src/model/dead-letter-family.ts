/** Who wrote a dead letter that was taken in, as its headers tell; `unknown` where they tell nothing that we know. */
export const deadLetterFamilies = [
  'kafka_connect',
  'kafka_streams',
  'share_group',
  'spring_kafka',
  'smallrye',
  'confluent_rules',
  'unknown',
] as const;

export type DeadLetterFamily = (typeof deadLetterFamilies)[number];
