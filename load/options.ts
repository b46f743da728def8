import { parseArgs } from 'node:util';
import { DataQuarantineError } from '../src/lib/errors.ts';
import { badKinds, goodKinds, kindSets, type SampleKind } from '../src/testing/sample-events.ts';

export interface LoadOptions {
  readonly brokers: string;
  readonly topic: string;
  /** Makes the topic with so many partitions if it is missing; 0: it must be there. */
  readonly partitions: number;
  /** Messages a second; 0: as fast as the broker takes them. */
  readonly rate: number;
  readonly messages: number;
  readonly invalid: number;
  readonly sizeBytes: number;
  readonly schemas: number;
  readonly kinds: readonly SampleKind[];
  readonly seed: number;
  /** librdkafka properties: TLS, SASL and the like. */
  readonly client: Readonly<Record<string, string>>;
  readonly json: boolean;
}

const known: readonly SampleKind[] = [...(Object.keys(badKinds) as SampleKind[]), ...goodKinds];

export const usage = `npm run load -- [FLAGS]: produces sample events of the schemas in schemas/, and prints exactly how many of each kind

  --brokers HOST:PORT,…   default: $DQ_KAFKA_BROKERS, else 127.0.0.1:9092
  --topic TOPIC           default: raw-events
  --partitions N          make the topic with N partitions if it is missing
  --rate N                messages a second (default 10000); 0: as fast as it goes
  --seconds N             for how long (default 60)
  --messages N            how many in all, in the place of --seconds
  --invalid SHARE         share of bad messages (default 0.05)
  --size BYTES            about the size of a value (default 300)
  --schemas N             how many of the four example schemas (default 4)
  --kinds all|plain|K,…   which kinds beside valid ones (default all: every kind but large_value);
                          ${known.slice(0, 6).join(', ')},
                          ${known.slice(6).join(', ')}
  --seed N                the same seed gives the same messages (default 1)
  -X KEY=VALUE            a librdkafka property, as in -X security.protocol=ssl; may be given often
  --json                  print the counts as one JSON object on the last line
`;

/** The options of a command line; null if it asks for help. Throws `DQ_CONFIG_INVALID` naming what is wrong. */
export function loadOptions(words: readonly string[], env: Readonly<Record<string, string | undefined>>): LoadOptions | null {
  const { values } = parsed(words);
  if (values.help) return null;
  const rate = number('rate', values.rate ?? '10000', 0, 10_000_000);
  const seconds = number('seconds', values.seconds ?? '60', 0, 10_000_000);
  if (values.messages === undefined && rate === 0) throw wrong('--rate 0 needs --messages: without a rate there is no end.');
  return {
    brokers: values.brokers ?? env['DQ_KAFKA_BROKERS'] ?? '127.0.0.1:9092',
    topic: values.topic ?? 'raw-events',
    partitions: whole('partitions', values.partitions ?? '0', 0, 10_000),
    rate,
    messages: values.messages === undefined ? Math.round(rate * seconds) : whole('messages', values.messages, 0, Number.MAX_SAFE_INTEGER),
    invalid: number('invalid', values.invalid ?? '0.05', 0, 1),
    sizeBytes: whole('size', values.size ?? '300', 1, 10_000_000),
    schemas: whole('schemas', values.schemas ?? '4', 1, 4),
    kinds: kindsOf(values.kinds ?? 'all'),
    seed: whole('seed', values.seed ?? '1', 0, 2 ** 32 - 1),
    client: Object.fromEntries((values.property ?? []).map(property)),
    json: values.json ?? false,
  };
}

function parsed(words: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...words],
      options: {
        brokers: text,
        topic: text,
        partitions: text,
        rate: text,
        seconds: text,
        messages: text,
        invalid: text,
        size: text,
        schemas: text,
        kinds: text,
        seed: text,
        property: { type: 'string', short: 'X', multiple: true },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw wrong((error as Error).message, error);
  }
}

function kindsOf(text: string): readonly SampleKind[] {
  if (text === 'all' || text === 'plain') return kindSets[text];
  const kinds = text.split(',').map((kind) => kind.trim());
  const odd = kinds.find((kind) => !known.includes(kind as SampleKind));
  if (odd !== undefined) throw wrong(`--kinds takes all, plain, or some of ${known.join(', ')}; "${odd}" is none of them.`);
  return kinds as SampleKind[];
}

function property(text: string): [string, string] {
  const equals = text.indexOf('=');
  if (equals <= 0) throw wrong('-X takes KEY=VALUE, as in -X security.protocol=ssl.');
  return [text.slice(0, equals), text.slice(equals + 1)];
}

function whole(name: string, text: string, min: number, max: number): number {
  const value = number(name, text, min, max);
  if (!Number.isInteger(value)) throw wrong(`--${name} must be a whole number, not ${text}.`);
  return value;
}

function number(name: string, text: string, min: number, max: number): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!(value >= min && value <= max)) throw wrong(`--${name} must be a number from ${min} to ${max}, not ${text}.`);
  return value;
}

function wrong(message: string, cause?: unknown): DataQuarantineError {
  return new DataQuarantineError('DQ_CONFIG_INVALID', message, { cause });
}
