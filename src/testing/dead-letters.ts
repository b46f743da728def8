import type { Header } from '../model/header.ts';

/** Headers as text; a value of null stays one. */
export function textHeaders(values: Readonly<Record<string, string | null>>): Header[] {
  return Object.entries(values).map(([name, value]) => ({ name, value: value === null ? null : Buffer.from(value) }));
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

export function int64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
}

/** Where the message of a dead letter was. */
export interface LetterOrigin {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** The headers that each family puts on, with its real names and encodings. */
export const lettersOf = {
  kafka_connect: ({ topic, partition, offset }: LetterOrigin): Header[] =>
    textHeaders({
      '__connect.errors.topic': topic,
      '__connect.errors.partition': String(partition),
      '__connect.errors.offset': String(offset),
      '__connect.errors.connector.name': 'orders-sink',
      '__connect.errors.task.id': '0',
      '__connect.errors.stage': 'VALUE_CONVERTER',
      '__connect.errors.class.name': 'org.apache.kafka.connect.json.JsonConverter',
      '__connect.errors.exception.class.name': 'org.apache.kafka.connect.errors.DataException',
      '__connect.errors.exception.message': 'Converting byte[] to Kafka Connect data failed due to serialization error: ',
      '__connect.errors.exception.stacktrace':
        'org.apache.kafka.connect.errors.DataException: Converting byte[] to Kafka Connect data failed due to serialization error: \n' +
        '\tat org.apache.kafka.connect.json.JsonConverter.toConnectData(JsonConverter.java:328)\n' +
        "Caused by: org.apache.kafka.common.errors.SerializationException: com.fasterxml.jackson.core.JsonParseException: Unrecognized token 'secret'\n" +
        "Caused by: com.fasterxml.jackson.core.JsonParseException: Unrecognized token 'secret': was expecting (JSON String, Number)\n",
    }),
  kafka_streams: ({ topic, partition, offset }: LetterOrigin): Header[] =>
    textHeaders({
      '__streams.errors.exception': 'java.lang.ArithmeticException',
      '__streams.errors.message': null,
      '__streams.errors.stacktrace': 'java.lang.ArithmeticException\n\tat app.Sum.apply(Sum.java:12)\n',
      '__streams.errors.topic': topic,
      '__streams.errors.partition': String(partition),
      '__streams.errors.offset': String(offset),
    }),
  share_group: ({ topic, partition, offset }: LetterOrigin): Header[] =>
    textHeaders({
      '__dlq.errors.topic': topic,
      '__dlq.errors.partition': String(partition),
      '__dlq.errors.offset': String(offset),
      '__dlq.errors.group': 'billing',
      '__dlq.errors.delivery.count': '5',
      '__dlq.errors.message': 'Offset delivery count exceeded the threshold.',
    }),
  spring_kafka: ({ topic, partition, offset }: LetterOrigin): Header[] => [
    ...textHeaders({
      'kafka_dlt-exception-fqcn': 'org.springframework.kafka.listener.ListenerExecutionFailedException',
      'kafka_dlt-exception-cause-fqcn': 'java.lang.IllegalStateException',
      'kafka_dlt-exception-message': 'Listener failed; order 4711 of customer "Ann" has no address',
      'kafka_dlt-exception-stacktrace': 'org.springframework.kafka.listener.ListenerExecutionFailedException: Listener failed\n',
      'kafka_dlt-original-topic': topic,
    }),
    { name: 'kafka_dlt-original-partition', value: int32(partition) },
    { name: 'kafka_dlt-original-offset', value: int64(offset) },
    { name: 'kafka_dlt-original-timestamp', value: int64(1_700_000_000_123) },
    ...textHeaders({ 'kafka_dlt-original-timestamp-type': 'CreateTime', 'kafka_dlt-original-consumer-group': 'shipping' }),
  ],
  smallrye: ({ topic, partition, offset }: LetterOrigin): Header[] =>
    textHeaders({
      'dead-letter-exception-class-name': 'java.lang.IllegalArgumentException',
      'dead-letter-reason': 'no movie of that name',
      'dead-letter-cause-class-name': 'java.util.NoSuchElementException',
      'dead-letter-cause': 'No value present',
      'dead-letter-topic': topic,
      'dead-letter-partition': String(partition),
      'dead-letter-offset': String(offset),
    }),
  confluent_rules: ({ topic }: LetterOrigin): Header[] =>
    textHeaders({
      '__rule.name': 'checkLen',
      '__rule.mode': 'WRITE',
      '__rule.subject': `${topic}-value`,
      '__rule.topic': topic,
      '__rule.exception': 'Expr failed: size(message.greet) == 4',
    }),
} as const;
