import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { infrastructureHeaders } from './infrastructure-headers.ts';
import {
  accessTokens,
  addressRange,
  broker,
  choice,
  clientProperties,
  httpUrl,
  list,
  postgresUrl,
  schemaName,
  share,
  size,
  storageUrl,
  text,
  topicName,
  truth,
  truthOrAuto,
  whole,
} from './kinds.ts';
import { section, setting } from './setting.ts';

const mib = 2 ** 20;
const gib = 2 ** 30;

const kafka = section({
  brokers: setting(list(broker, 'a list of HOST:PORT').default([]), 'The brokers to start from; the others are found through them.', {
    environment: 'DQ_KAFKA_BROKERS',
    fallback: 'none: required',
  }),
  groupId: setting(text('the name of a consumer group').default('dataquarantine-validators'), 'The consumer group.', {
    environment: 'DQ_KAFKA_GROUP_ID',
  }),
  sourceTopics: setting(
    list(topicName, 'a list of topic names')
      .refine((topics) => topics.length > 0, { error: 'at least one topic name' })
      .default(['raw-events']),
    'The topics to validate.',
    { environment: 'DQ_KAFKA_SOURCE_TOPICS' },
  ),
  validTopic: setting(topicName.default('validated-events'), 'Where valid messages go, unchanged.', {
    environment: 'DQ_KAFKA_VALID_TOPIC',
  }),
  dlqTopic: setting(topicName.default('quarantine-dlq'), 'Where the dead letters of quarantined messages go.', {
    environment: 'DQ_KAFKA_DLQ_TOPIC',
  }),
  client: setting(
    clientProperties.default({}),
    'Any librdkafka property by its own dotted name: TLS, SASL, timeouts. Properties that the guarantee rests on cannot be changed.',
    { secret: 'entries', fallback: 'none' },
  ),
  lane: setting(
    choice(['auto', 'native', 'client']).default('auto'),
    'How messages cross from and to Kafka: in native code, or through the client library. `auto` takes native where it is built.',
    { environment: 'DQ_LANE' },
  ),
  lossyHeaders: setting(
    truth().default(false),
    'Go on where the client lane cannot carry a header unchanged (a name that is not UTF-8)? It then arrives changed; otherwise its partition stops.',
  ),
});

const postgres = section({
  url: setting(postgresUrl.nullable().default(null), 'The database of the quarantine.', {
    environment: 'DQ_POSTGRES_URL',
    secret: 'url',
    fallback: 'none: required',
  }),
  migrate: setting(truth().default(true), 'Bring the tables up to date when the service starts? If not, run `dq migrate`.'),
});

const storage = section({
  url: setting(
    storageUrl.default('s3://data-quarantine'),
    'Where payloads of quarantined messages are kept: `s3://BUCKET`, `s3://BUCKET/PREFIX` or `file:///DIRECTORY`.',
    { environment: 'DQ_STORAGE_URL' },
  ),
  endpoint: setting(httpUrl.nullable().default(null), 'An S3 server other than AWS; buckets are then addressed path-style.', {
    environment: 'DQ_STORAGE_ENDPOINT',
    secret: 'url',
    fallback: 'AWS',
  }),
  region: setting(text('an AWS region').nullable().default(null), 'The region of the bucket.', {
    environment: 'AWS_REGION',
    fallback: "the AWS client's own",
  }),
  accessKeyId: setting(text('an access key id').nullable().default(null), 'Access key, if not found by the AWS client itself.', {
    environment: 'AWS_ACCESS_KEY_ID',
    fallback: "the AWS client's own",
  }),
  secretAccessKey: setting(text('a secret access key').nullable().default(null), 'The secret of the access key.', {
    environment: 'AWS_SECRET_ACCESS_KEY',
    secret: 'whole',
    fallback: "the AWS client's own",
  }),
  sessionToken: setting(text('a session token').nullable().default(null), 'Needed with temporary access keys.', {
    environment: 'AWS_SESSION_TOKEN',
    secret: 'whole',
    fallback: "the AWS client's own",
  }),
});

const schemas = section({
  dir: setting(text('a folder').default('schemas'), 'The folder of schema files, `<name>/<version>.yaml`.', {
    environment: 'DQ_SCHEMAS_DIR',
  }),
  cacheDir: setting(
    text('a folder').default('.cache/validators'),
    'Where validators are generated for schema versions that the build did not know, and where the last copy of the schema registry lies.',
  ),
  registry: section({
    url: setting(httpUrl.nullable().default(null), 'A Confluent-compatible schema registry whose JSON Schema subjects are schemas too.', {
      environment: 'DQ_SCHEMA_REGISTRY_URL',
      secret: 'url',
      fallback: 'none',
    }),
    username: setting(text('a user name').nullable().default(null), 'The user for basic authentication.', {
      environment: 'DQ_SCHEMA_REGISTRY_USERNAME',
      fallback: 'none',
    }),
    password: setting(text('a password').nullable().default(null), 'The password for basic authentication.', {
      environment: 'DQ_SCHEMA_REGISTRY_PASSWORD',
      secret: 'whole',
      fallback: 'none',
    }),
    token: setting(text('a token').nullable().default(null), 'A bearer token instead of user and password.', {
      environment: 'DQ_SCHEMA_REGISTRY_TOKEN',
      secret: 'whole',
      fallback: 'none',
    }),
  }),
});

const floodKinds = {
  action: choice(['alert', 'sample', 'pause']),
  share: share(),
  causeShare: share(),
  window: whole(100, 100_000_000),
  consecutive: whole(10, 100_000_000),
  sampleCount: whole(0, 1_000_000),
};

const flood = section({
  action: setting(
    floodKinds.action.default('alert'),
    'What the breaker does about a topic in flood: `alert` says so, `sample` keeps some of each cause whole and of the others a pointer to the source, `pause` consumes no more of the topic until `dq flood lift`.',
  ),
  share: setting(floodKinds.share.default(0.2), 'A topic is in flood when this share of its messages is bad.'),
  causeShare: setting(floodKinds.causeShare.default(0.2), 'The same for one cause (fingerprint) alone.'),
  window: setting(floodKinds.window.default(10_000), 'So many messages of a topic are looked at for its share.'),
  consecutive: setting(floodKinds.consecutive.default(1_000), 'So many bad messages in a row are a flood, whatever their share.'),
  sampleCount: setting(floodKinds.sampleCount.default(100), 'With `sample`: messages of each cause and partition that are kept whole.'),
  sourceHoursMin: setting(
    whole(0, 1_000_000).default(24),
    'With `sample`: a message is kept as a pointer only if the retention of its topic leaves it there for so many hours more.',
  ),
});

/** The same for one topic; what is not said is said by `flood`. */
const topicFlood = section({
  action: setting(floodKinds.action.nullable().default(null), 'For this topic in the place of `flood.action`.', {
    fallback: '`flood.action`',
  }),
  share: setting(floodKinds.share.nullable().default(null), 'As above.', { fallback: '`flood.share`' }),
  causeShare: setting(floodKinds.causeShare.nullable().default(null), 'As above.', { fallback: '`flood.causeShare`' }),
  window: setting(floodKinds.window.nullable().default(null), 'As above.', { fallback: '`flood.window`' }),
  consecutive: setting(floodKinds.consecutive.nullable().default(null), 'As above.', { fallback: '`flood.consecutive`' }),
  sampleCount: setting(floodKinds.sampleCount.nullable().default(null), 'As above.', { fallback: '`flood.sampleCount`' }),
});

const topic = z.strictObject(
  {
    schema: setting(schemaName.nullable().default(null), 'The schema of messages that name none.', { fallback: 'none' }),
    allowed: setting(
      list(schemaName, 'a list of schema names').nullable().default(null),
      'The schemas that messages of this topic may name.',
      {
        fallback: 'all',
      },
    ),
    strict: setting(truth().default(false), 'Quarantine messages that name a schema which is not allowed?'),
    flood: topicFlood,
  },
  { error: (issue) => (issue.code === 'invalid_type' ? 'a group of settings' : undefined) },
);

const limits = section({
  valueBytes: setting(size(1, 1_000_000_000).default(10 * mib), 'Larger values are quarantined as `too_large`.', { unit: 'bytes' }),
  depth: setting(whole(1, 1_000).default(128), 'Values nested deeper are quarantined as `too_deep`.'),
  keys: setting(whole(1, 10_000_000).default(100_000), 'Values with more object members in all are quarantined.'),
  headerBytes: setting(size(0, 1_000_000_000).default(64 * 1024), 'Messages with larger headers are quarantined.', {
    unit: 'bytes',
  }),
});

const spool = section({
  dir: setting(
    text('a folder').default('spool'),
    'The folder that takes quarantined messages while database or storage are away. On a volume of its own it outlives its container.',
    { environment: 'DQ_SPOOL_DIR' },
  ),
  bytesMax: setting(size(mib, 1024 * gib).default(gib), 'The most that an instance keeps there; when it is full, consumption waits.', {
    unit: 'bytes',
  }),
  commit: setting(
    truthOrAuto().default('auto'),
    'May offsets be committed on the spool alone? `auto`: yes, unless the folder lies in memory or goes with its container or pod. Where not, offsets wait and consumption pauses at its limit.',
  ),
});

const http = section({
  host: setting(text('a host name or address').default('127.0.0.1'), 'The address to listen on.', { environment: 'DQ_HTTP_HOST' }),
  port: setting(whole(0, 65_535).default(8080), 'The port to listen on; 0 takes a free one.', { environment: 'DQ_HTTP_PORT' }),
  publicUrl: setting(httpUrl.nullable().default(null), 'Where browsers find the page: signing in at a provider leads back there.', {
    environment: 'DQ_HTTP_PUBLIC_URL',
    fallback: '`http://HOST:PORT`',
  }),
  trustedProxies: setting(
    list(addressRange, 'a list of IP addresses or CIDR ranges').default([]),
    'Proxies in front, by address or CIDR range: of what they pass on, `x-forwarded-for` says whose it is. What others send there is ignored.',
    { environment: 'DQ_HTTP_TRUSTED_PROXIES', fallback: 'none' },
  ),
});

const alerts = section({
  webhook: setting(
    httpUrl.nullable().default(null),
    'Where an event is sent for each new or returning cause, for one that comes much faster than before, and when it is drained.',
    { environment: 'DQ_ALERTS_WEBHOOK', secret: 'whole', fallback: 'none' },
  ),
});

const review = section({
  producerHeaders: setting(
    list(text('the name of a header'), 'a list of header names').default(['ce_source', 'producer', 'client.id']),
    'Headers that name who sent a message; the first that is there counts.',
  ),
});

const intake = section({
  topics: setting(
    list(topicName, 'a list of topic names').default([]),
    'Topics of dead letters that other systems write (Kafka Connect, Kafka Streams, share groups, Spring, SmallRye, Confluent rules). The review reads them and takes every message in.',
    { environment: 'DQ_INTAKE_TOPICS', fallback: 'none' },
  ),
});

const metrics = section({
  host: setting(text('a host name or address').nullable().default(null), 'An address of its own for health and metrics.', {
    fallback: '`http.host`',
  }),
  port: setting(whole(0, 65_535).nullable().default(null), 'A port of its own for health and metrics.', {
    fallback: 'none: `http.port` serves them',
  }),
});

const validation = section({
  workers: setting(
    whole(1, 256).default(() => availableParallelism()),
    'Threads that validate.',
    { environment: 'DQ_WORKERS', fallback: 'number of cores' },
  ),
  engine: setting(
    choice(['auto', 'native', 'js']).default('auto'),
    'What judges messages. `auto`: native code where it is built and takes the schema, generated JavaScript elsewhere.',
    { environment: 'DQ_ENGINE' },
  ),
});

const drift = section({
  enabled: setting(truth().default(true), 'Look at a few valid messages for fields that their schema does not plan? Kept without values.'),
});

const auth = section({
  mode: setting(choice(['none', 'token', 'oidc']).default('none'), 'Who may use the HTTP API. `none` needs `http.host` to be loopback.', {
    environment: 'DQ_AUTH_MODE',
  }),
  tokens: setting(
    accessTokens.default([]),
    'Bearer tokens, `NAME:ROLE:TOKEN` a line or comma. `TOKEN` is plain or `sha256=HEX`; roles: `viewer`, `reviewer`, `operator`, `admin`; `+payload` behind a role adds the right to read payloads.',
    { environment: 'DQ_AUTH_TOKENS', secret: 'whole', fallback: 'none' },
  ),
  topicPrefixes: setting(
    z
      .record(z.string(), list(text('the beginning of a topic name'), 'a list of beginnings of topic names'), {
        error: 'names of tokens, each with a list',
      })
      .default({}),
    'Beginnings of the topics that the holder of a token may see, by the name of the token: `ann: [eu.]`. A name that is not there sees all.',
    { fallback: 'none' },
  ),
  oidc: section({
    issuer: setting(httpUrl.nullable().default(null), 'The issuer.', { environment: 'DQ_OIDC_ISSUER', fallback: 'none' }),
    clientId: setting(text('a client id').nullable().default(null), 'The client id.', {
      environment: 'DQ_OIDC_CLIENT_ID',
      fallback: 'none',
    }),
    clientSecret: setting(text('a client secret').nullable().default(null), 'The client secret.', {
      environment: 'DQ_OIDC_CLIENT_SECRET',
      secret: 'whole',
      fallback: 'none',
    }),
    audience: setting(text('an audience').nullable().default(null), 'What `aud` of a bearer JWT must name.', {
      fallback: '`auth.oidc.clientId`',
    }),
    topicClaim: setting(
      text('the name of a claim').nullable().default(null),
      'The claim that holds the beginnings of the topics that its holder may see. Where it is set, whoever has no such claim sees none.',
      { fallback: 'none: all topics' },
    ),
    roleClaim: setting(text('the name of a claim').nullable().default(null), 'The claim that holds the role.', {
      environment: 'DQ_OIDC_ROLE_CLAIM',
      fallback: 'none',
    }),
  }),
});

const replay = section({
  rate: setting(
    whole(1, 1_000_000).nullable().default(1_000),
    'Messages a second that a replay publishes, unless its plan says otherwise. `null`: no limit.',
  ),
  targets: setting(list(topicName, 'a list of topic names').default([]), 'Topics that replays may publish to beside `kafka.validTopic`.', {
    fallback: 'none',
  }),
  failurePercentMax: setting(whole(0, 100).default(10), 'A replay stops by itself when more of its records than this fail again.'),
  secondPersonOver: setting(
    whole(0, 100_000).nullable().default(null),
    'A replay of more records than this must be started by somebody else than the one who planned it.',
    { fallback: 'none: one person is enough' },
  ),
  stripHeaders: setting(
    list(text('the name of a header, or the beginning of names with *'), 'a list of names of headers').default([...infrastructureHeaders]),
    'Headers that are left out of what is replayed: names, or beginnings of names with `*`. Our own `dq.` headers of the first pass always are.',
    { fallback: 'what dead letter queues, retries and MSK Replicator put on' },
  ),
});

const log = section({
  level: setting(
    choice(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
    'The least grave lines that are written.',
    { environment: 'DQ_LOG_LEVEL' },
  ),
});

/** Every setting there is: types, defaults, environment names and documentation come from here alone. */
export const settingsSchema = z.strictObject({
  kafka,
  postgres,
  storage,
  schemas,
  topics: z.preprocess((value) => value ?? {}, z.record(topicName, topic, { error: 'a group of topics' })).prefault({}),
  limits,
  flood,
  spool,
  http,
  metrics,
  alerts,
  review,
  intake,
  validation,
  drift,
  auth,
  replay,
  log,
});

type Parsed = z.output<typeof settingsSchema>;

type DeepReadonly<T> = T extends (...args: never) => unknown
  ? T
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;

/** An address to listen on. */
export interface Listen {
  readonly host: string;
  readonly port: number;
}

/**
 * The effective settings. `metrics` is null where `http` serves health and metrics. Without the matching `need` of `loadSettings`,
 * `kafka.brokers` may be empty and `postgres.url` null.
 */
export type Settings = DeepReadonly<Omit<Parsed, 'metrics'>> & { readonly metrics: Listen | null };

/** What the schema gives becomes what the service is given. */
export function settingsOf(parsed: Parsed): Settings {
  const { host, port } = parsed.metrics;
  return {
    ...parsed,
    topics: Object.assign(Object.create(null), parsed.topics) as Settings['topics'],
    metrics: port === null ? null : { host: host ?? parsed.http.host, port },
  };
}
