import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DataQuarantineError } from '../lib/errors.ts';
import { type LoadOptions, loadSettings } from './load-settings.ts';
import { originText } from './origin.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dq-settings-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes a file of the test's own and returns its path. */
function written(text: string, name = 'settings.yaml'): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

function load(yaml: string | null, options: Partial<LoadOptions> = {}) {
  return loadSettings({ file: yaml === null ? null : written(yaml), env: {}, ...options });
}

/** The problems that loading reports, without the folder of the test. */
function problemsOf(yaml: string | null, options: Partial<LoadOptions> = {}): string[] {
  try {
    load(yaml, options);
  } catch (error) {
    expect(error).toBeInstanceOf(DataQuarantineError);
    expect((error as DataQuarantineError).code).toBe('DQ_CONFIG_INVALID');
    const [head, ...lines] = (error as Error).message.split('\n');
    expect(head).toBe('the settings cannot be used:');
    return lines.map((line) => line.trim().replace(`${folder}/`, ''));
  }
  return [];
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

describe('defaults', () => {
  test('without file, environment and flags the defaults are those that users rely on', () => {
    const { settings, origins, warnings } = load(null);
    expect(settings.kafka).toEqual({
      brokers: [],
      groupId: 'dataquarantine-validators',
      sourceTopics: ['raw-events'],
      validTopic: 'validated-events',
      dlqTopic: 'quarantine-dlq',
      client: {},
      lane: 'auto',
      lossyHeaders: false,
    });
    expect(settings.postgres).toEqual({ url: null, migrate: true });
    expect(settings.storage.url).toBe('s3://data-quarantine');
    const registry = { url: null, username: null, password: null, token: null };
    expect(settings.schemas).toEqual({ dir: 'schemas', cacheDir: '.cache/validators', registry });
    expect(settings.limits).toEqual({ valueBytes: 10_485_760, depth: 128, keys: 100_000, headerBytes: 65_536 });
    expect(settings.spool).toEqual({ dir: 'spool', bytesMax: 1_073_741_824, commit: 'auto' });
    expect(settings.http).toEqual({ host: '127.0.0.1', port: 8080, publicUrl: null, trustedProxies: [] });
    expect(settings.metrics).toBeNull();
    expect(settings.auth).toMatchObject({ mode: 'none', tokens: [] });
    expect(settings.log.level).toBe('info');
    expect(settings.validation.workers).toBeGreaterThan(0);
    expect(origins.size).toBe(0);
    expect(warnings).toEqual([]);
  });

  test('an empty file and an empty group change nothing', () => {
    expect(load('').settings).toEqual(load(null).settings);
    expect(load('http:\nkafka: {}\ntopics:\n').settings).toEqual(load(null).settings);
  });
});

describe('layers', () => {
  test('the environment wins over the file and a flag over both, each with its origin', () => {
    const { settings, origins } = load('http:\n  host: localhost\n  port: 1000\nlog:\n  level: warn\n', {
      env: { DQ_HTTP_PORT: '2000', DQ_LOG_LEVEL: 'debug' },
      flags: { 'log.level': 'error', 'http.host': undefined },
    });
    expect(settings.http).toEqual({ host: 'localhost', port: 2000, publicUrl: null, trustedProxies: [] });
    expect(settings.log.level).toBe('error');
    const shown = Object.fromEntries([...origins].map(([key, origin]) => [key, originText(origin).replace(`${folder}/`, '')]));
    expect(shown).toEqual({ 'http.host': 'settings.yaml:2:3', 'http.port': 'DQ_HTTP_PORT', 'log.level': '--set log.level' });
  });

  test('every environment name that users rely on sets its key', () => {
    const { settings } = load(null, {
      env: {
        DQ_KAFKA_BROKERS: 'a:1, [::1]:2,c',
        DQ_KAFKA_GROUP_ID: 'g',
        DQ_KAFKA_SOURCE_TOPICS: 'one,two',
        DQ_KAFKA_VALID_TOPIC: 'v',
        DQ_KAFKA_DLQ_TOPIC: 'd',
        DQ_POSTGRES_URL: 'postgres://u:p@h:5432/db',
        DQ_STORAGE_URL: 'file:///tmp/x',
        DQ_STORAGE_ENDPOINT: 'http://127.0.0.1:9000',
        AWS_REGION: 'eu-central-1',
        AWS_ACCESS_KEY_ID: 'id',
        AWS_SECRET_ACCESS_KEY: 'key',
        DQ_SCHEMAS_DIR: 's',
        DQ_SPOOL_DIR: 'sp',
        DQ_HTTP_HOST: '::1',
        DQ_HTTP_PORT: '0',
        DQ_WORKERS: '3',
        DQ_ENGINE: 'js',
        DQ_LANE: 'client',
        DQ_AUTH_MODE: 'token',
        DQ_AUTH_TOKENS: 'n:viewer:t',
        DQ_OIDC_ISSUER: 'https://issuer',
        DQ_OIDC_CLIENT_ID: 'cid',
        DQ_OIDC_CLIENT_SECRET: 'cs',
        DQ_OIDC_ROLE_CLAIM: 'roles',
        DQ_LOG_LEVEL: 'trace',
      },
      need: ['kafka', 'postgres', 'http'],
    });
    expect(settings).toMatchObject({
      kafka: {
        brokers: ['a:1', '[::1]:2', 'c:9092'],
        groupId: 'g',
        sourceTopics: ['one', 'two'],
        validTopic: 'v',
        dlqTopic: 'd',
        lane: 'client',
      },
      postgres: { url: 'postgres://u:p@h:5432/db' },
      storage: {
        url: 'file:///tmp/x',
        endpoint: 'http://127.0.0.1:9000',
        region: 'eu-central-1',
        accessKeyId: 'id',
        secretAccessKey: 'key',
        sessionToken: null,
      },
      schemas: { dir: 's' },
      spool: { dir: 'sp' },
      http: { host: '::1', port: 0 },
      validation: { workers: 3, engine: 'js' },
      auth: {
        mode: 'token',
        tokens: [{ name: 'n' }],
        oidc: { issuer: 'https://issuer', clientId: 'cid', clientSecret: 'cs', roleClaim: 'roles' },
      },
      log: { level: 'trace' },
    });
  });

  test('X_FILE gives the value of X, less the newline at its end', () => {
    const secret = written('postgres://u:p@h/db\n', 'url');
    const { settings, origins } = load(null, { env: { DQ_POSTGRES_URL_FILE: secret, DQ_POSTGRES_URL: '' } });
    expect(settings.postgres.url).toBe('postgres://u:p@h/db');
    expect(origins.get('postgres.url')).toEqual({ kind: 'environment', name: 'DQ_POSTGRES_URL_FILE', file: secret });
  });

  test('X beside X_FILE, and an X_FILE that cannot be read, are problems', () => {
    const [unreadable, both] = problemsOf(null, {
      env: { DQ_LOG_LEVEL: 'info', DQ_LOG_LEVEL_FILE: written('info', 'level'), DQ_AUTH_TOKENS_FILE: join(folder, 'absent') },
    }) as [string, string];
    expect(both).toContain('DQ_LOG_LEVEL and DQ_LOG_LEVEL_FILE are both set');
    expect(unreadable).toMatch(/^DQ_AUTH_TOKENS_FILE: the file that should hold auth\.tokens cannot be read/);
  });

  test('a flag reaches names with dots of their own', () => {
    const { settings } = load('topics:\n  a.b:\n    schema: order_event\n', {
      flags: { 'topics.a.b.strict': 'true', 'kafka.client.sasl.password': 'x' },
    });
    expect(settings.topics['a.b']).toMatchObject({ schema: 'order_event', allowed: null, strict: true });
    expect(settings.kafka.client).toEqual({ 'sasl.password': 'x' });
  });

  test('a share is a number or a percentage, and a topic has rules of its own under a name with dots', () => {
    const { settings } = load(null, {
      flags: { 'flood.share': '35%', 'topics.a.b.flood.share': '0.5', 'topics.a.b.flood.action': 'pause' },
    });
    expect(settings.flood.share).toBe(0.35);
    expect(settings.topics['a.b']?.flood).toMatchObject({ share: 0.5, action: 'pause', window: null });
  });

  test('a flag for a setting that does not exist is a problem with the nearest name', () => {
    expect(problemsOf(null, { flags: { 'http.prot': '1' } })).toEqual([
      '--set http.prot: http.prot is not a setting; did you mean http.port?',
    ]);
  });
});

describe('kinds', () => {
  test.each([
    ['10MiB', 10_485_760],
    ['2048 KiB', 2_097_152],
    ['1.5GB', 1_500_000_000],
    ['"4194304"', 4_194_304],
    ['4194304', 4_194_304],
  ])('a size may be written as %s', (text, bytes) => {
    expect(load(`spool:\n  bytesMax: ${text}\n`).settings.spool.bytesMax).toBe(bytes);
  });

  test('a size out of its range is a problem', () => {
    expect(problemsOf('limits:\n  valueBytes: 2GB')).toHaveLength(1);
    expect(problemsOf('limits:\n  headerBytes: 0')).toEqual([]);
  });

  test('tokens are read by line or comma, plain or hashed, and only their hashes stay', () => {
    const hash = 'ab'.repeat(32);
    const { settings } = load(null, {
      env: { DQ_AUTH_TOKENS: `ann:admin:s:3,bob:reviewer+payload:sha256=${hash.toUpperCase()}\ncy:viewer:x` },
    });
    expect(settings.auth.tokens).toEqual([
      { name: 'ann', role: 'admin', payloadRead: false, sha256: sha256('s:3') },
      { name: 'bob', role: 'reviewer', payloadRead: true, sha256: hash },
      { name: 'cy', role: 'viewer', payloadRead: false, sha256: sha256('x') },
    ]);
  });

  test.each(['ann:admin', 'ann:king:t', 'ann:admin:sha256=12', ':admin:t', 'ann:admin:'])(
    'the token entry %s is refused without being shown',
    (entry) => {
      const [problem] = problemsOf(null, { env: { DQ_AUTH_TOKENS: entry } });
      expect(problem).toMatch(/^DQ_AUTH_TOKENS: auth\.tokens\[0\] must be NAME:ROLE:TOKEN/);
      expect(problem).not.toContain(entry);
    },
  );

  test('trusted proxies are addresses and ranges, and nothing else', () => {
    const of = (text: string) => ({ env: { DQ_HTTP_TRUSTED_PROXIES: text } });
    expect(load(null, of('10.0.0.0/8, 192.0.2.1,fd00::/8')).settings.http.trustedProxies).toEqual(['10.0.0.0/8', '192.0.2.1', 'fd00::/8']);
    for (const wrong of ['proxy', 'loopback', '10.0.0.0/33', '10.0.0.0/0', '10.0.0.0/', '10.0.0/8', 'fd00::/129', '0x7f.1'])
      expect(problemsOf(null, of(wrong))).toEqual([expect.stringContaining('must be an IP address or a CIDR range')]);
  });

  test('metrics listen on their own port, with the host of http unless they have one', () => {
    expect(load('metrics: { port: 9100 }').settings.metrics).toEqual({ host: '127.0.0.1', port: 9100 });
    expect(load('metrics: { host: 0.0.0.0, port: 9100 }').settings.metrics).toEqual({ host: '0.0.0.0', port: 9100 });
    expect(problemsOf('metrics: { host: 0.0.0.0 }')).toEqual(['settings.yaml:1:12: metrics.host needs metrics.port']);
  });

  test('a topic may have any legal name, also one that objects inherit', () => {
    const { topics } = load('topics:\n  constructor:\n    schema: user_event\n').settings;
    expect(topics['constructor']?.schema).toBe('user_event');
    expect(topics['toString']).toBeUndefined();
  });
});

describe('problems', () => {
  test('all are reported at once, each with its place, what was expected and what was found', () => {
    const yaml = [
      'kafka:',
      '  brokrs: a:1',
      '  lane: fast',
      '  sourceTopics: [ok, "not ok"]',
      'http: 5',
      'limits:',
      '  depth: -1',
      '  valueBytes: 10 apples',
      'topics:',
      '  raw-events:',
      '    strikt: true',
      'shemas: {}',
    ].join('\n');
    expect(problemsOf(yaml, { env: { DQ_WORKERS: 'many' } })).toEqual([
      'settings.yaml:2:3: kafka.brokrs is not a setting; did you mean kafka.brokers?',
      'settings.yaml:3:3: kafka.lane must be one of auto, native, client, not "fast"',
      'settings.yaml:4:22: kafka.sourceTopics[1] must be a topic name: 1 to 249 of letters, digits, ".", "_" and "-", not "not ok"',
      'settings.yaml:5:1: http must be a group of settings, not 5',
      'settings.yaml:7:3: limits.depth must be a whole number from 1 to 1,000, not -1',
      'settings.yaml:8:3: limits.valueBytes must be a number of bytes or a size such as 64KiB or 10MiB, from 1 byte to 1,000,000,000 bytes, not "10 apples"',
      'settings.yaml:11:5: topics.raw-events.strikt is not a setting; did you mean topics.raw-events.strict?',
      'settings.yaml:12:1: shemas is not a setting; did you mean schemas?',
      'DQ_WORKERS: validation.workers must be a whole number from 1 to 256, not "many"',
    ]);
  });

  test('a name at the wrong place leads to its right one', () => {
    expect(problemsOf('brokers: a:1')).toEqual(['settings.yaml:1:1: brokers is not a setting; did you mean kafka.brokers?']);
    expect(problemsOf('kafka:\n  group_id: x')).toEqual([
      'settings.yaml:2:3: kafka.group_id is not a setting; did you mean kafka.groupId?',
    ]);
    expect(problemsOf('zzzzzzzzz: 1')).toEqual(['settings.yaml:1:1: zzzzzzzzz is not a setting']);
  });

  test('a value of a secret setting is not shown', () => {
    const problems = problemsOf('postgres:\n  url: mysql://root:hunter2@db\nkafka:\n  client:\n    sasl.password: [hunter2]\n');
    expect(problems).toHaveLength(2);
    expect(problems.join()).not.toContain('hunter2');
  });

  test('broken YAML, doubled names and a list at the top are problems with a place', () => {
    expect(problemsOf('http:\n  port: [1\n')[0]).toMatch(/^settings\.yaml:3:1: /);
    expect(problemsOf('http:\n  port: 1\n  port: 2\n')[0]).toMatch(/^settings\.yaml:3:3: .*unique/);
    expect(problemsOf('- a\n')[0]).toMatch(/^settings\.yaml:1:1: a settings file is a YAML map/);
  });

  test('a bomb of aliases is refused', () => {
    const levels = Array.from(
      { length: 12 },
      (_, level) =>
        `l${level}: &l${level} [${
          level === 0
            ? 'x'
            : Array(9)
                .fill(`*l${level - 1}`)
                .join(',')
        }]`,
    );
    expect(problemsOf(levels.join('\n'))[0]).toMatch(/^settings\.yaml:1:1: the aliases of this file cannot be resolved/);
  });

  test('a file that is not there is a problem that names it', () => {
    expect(() => loadSettings({ file: join(folder, 'none.yaml'), env: {} })).toThrow(/none\.yaml:1:1: the file cannot be read/);
  });

  test('what a command needs must be set', () => {
    expect(problemsOf('log: { level: info }', { need: ['kafka', 'postgres'] })).toEqual([
      expect.stringMatching(/^kafka\.brokers is required: set DQ_KAFKA_BROKERS, or kafka\.brokers in /),
      expect.stringMatching(/^postgres\.url is required: set DQ_POSTGRES_URL, or postgres\.url in /),
    ]);
  });

  test('the service may not read what it writes', () => {
    expect(problemsOf('kafka:\n  sourceTopics: a,b\n  dlqTopic: b')[0]).toBe(
      'settings.yaml:3:3: kafka.dlqTopic must not be one of kafka.sourceTopics: the service would read what it wrote',
    );
    expect(problemsOf('kafka:\n  dlqTopic: x\n  validTopic: x')).toEqual([
      'settings.yaml:2:3: kafka.dlqTopic must differ from kafka.validTopic',
    ]);
  });

  test('a strict topic says what it allows, and allows its own default', () => {
    expect(problemsOf('topics:\n  raw-events: { strict: true }')[0]).toContain('topics.raw-events.strict needs topics.raw-events.allowed');
    expect(problemsOf('topics:\n  raw-events: { schema: a, allowed: [b] }')[0]).toContain('must name topics.raw-events.schema (a) too');
    expect(problemsOf('topics:\n  raw-events: { schema: a, allowed: [a, b], strict: true }')).toEqual([]);
  });

  test('one half of an access key is a problem', () => {
    expect(problemsOf(null, { env: { AWS_ACCESS_KEY_ID: 'id' } })).toEqual([
      'AWS_ACCESS_KEY_ID: storage.accessKeyId and storage.secretAccessKey go together: set both or neither',
    ]);
  });
});

describe('access', () => {
  const open = (host: string, env: Record<string, string> = {}) =>
    problemsOf(null, { env: { DQ_HTTP_HOST: host, ...env }, need: ['http'] });

  test.each(['127.0.0.1', '127.8.9.1', '::1', 'localhost', '[::1]', '::ffff:127.0.0.1'])('no authentication is fine on %s', (host) => {
    expect(open(host)).toEqual([]);
  });

  test.each(['0.0.0.0', '::', '10.0.0.1', 'localhost.example.com', '127.0.0.1.example.com', '128.0.0.1'])(
    'no authentication is refused on %s',
    (host) => {
      expect(open(host)).toEqual([expect.stringMatching(/^DQ_HTTP_HOST: http\.host is .* Set DQ_AUTH_MODE=token and DQ_AUTH_TOKENS/)]);
    },
  );

  test('token mode needs a token', () => {
    expect(open('0.0.0.0', { DQ_AUTH_MODE: 'token' })[0]).toContain('set DQ_AUTH_TOKENS');
    expect(open('0.0.0.0', { DQ_AUTH_MODE: 'token', DQ_AUTH_TOKENS: 'a:admin:t' })).toEqual([]);
  });

  test('a command that does not listen does not care', () => {
    expect(problemsOf(null, { env: { DQ_HTTP_HOST: '0.0.0.0' } })).toEqual([]);
  });
});

describe('warnings', () => {
  test('a misspelled variable is pointed out, a foreign one is not', () => {
    const { warnings } = load(null, { env: { DQ_KAFKA_BROKER: 'a:1', DQ_SERVICE_HOST: 'x', DQ_PORT_8080_TCP: 'y' } });
    expect(warnings).toEqual(['the environment variable DQ_KAFKA_BROKER is not known; did you mean DQ_KAFKA_BROKERS?']);
  });

  test('settings of a topic that is not read are pointed out', () => {
    expect(load('topics:\n  raw-event: { schema: a }').warnings).toEqual([
      'topics.raw-event says nothing: raw-event is not among kafka.sourceTopics; did you mean raw-events?',
    ]);
  });
});
