import { isLoopback } from '../lib/loopback.ts';
import type { Path } from './schema-tree.ts';
import type { Settings } from './settings.ts';

/** What a command is going to use. */
export type Need = 'kafka' | 'postgres' | 'http';

interface RuleContext {
  readonly need: readonly Need[];
  readonly file: string | null;
  /** `FILE:LINE:COLUMN: ` or the like of the setting, empty if it is a default. */
  readonly placeOf: (path: Path) => string;
  /** The settings as given, before defaults. */
  readonly given: unknown;
}

/** What no single setting's type can say: settings that must be there, and settings that must fit each other. */
export function ruleProblems(settings: Settings, context: RuleContext): string[] {
  const { need } = context;
  return [
    ...(need.includes('kafka') && settings.kafka.brokers.length === 0 ? [missing(context, 'kafka.brokers', 'DQ_KAFKA_BROKERS')] : []),
    ...(need.includes('postgres') && settings.postgres.url === null ? [missing(context, 'postgres.url', 'DQ_POSTGRES_URL')] : []),
    ...topicRules(settings, context),
    ...storageRules(settings, context),
    ...registryRules(settings, context),
    ...metricsRules(context),
    ...(need.includes('http') ? accessRules(settings, context) : []),
  ];
}

function missing(context: RuleContext, key: string, variable: string): string {
  return `${key} is required: set ${variable}, or ${key} in ${context.file ?? 'a settings file'}`;
}

function topicRules({ intake, kafka, topics }: Settings, { placeOf }: RuleContext): string[] {
  const problems: string[] = [];
  for (const key of ['validTopic', 'dlqTopic'] as const) {
    if (!kafka.sourceTopics.includes(kafka[key])) continue;
    problems.push(`${placeOf(['kafka', key])}kafka.${key} must not be one of kafka.sourceTopics: the service would read what it wrote`);
  }
  if (kafka.validTopic === kafka.dlqTopic)
    problems.push(`${placeOf(['kafka', 'dlqTopic'])}kafka.dlqTopic must differ from kafka.validTopic`);
  const own = new Set([...kafka.sourceTopics, kafka.validTopic, kafka.dlqTopic]);
  for (const topic of intake.topics.filter((name) => own.has(name))) {
    problems.push(`${placeOf(['intake', 'topics'])}intake.topics must not name ${topic}: the service itself reads or writes it`);
  }
  for (const [topic, { schema, allowed, strict }] of Object.entries(topics)) {
    const place = placeOf(['topics', topic]);
    if (schema !== null && allowed !== null && !allowed.includes(schema)) {
      problems.push(`${place}topics.${topic}.allowed must name topics.${topic}.schema (${schema}) too`);
    }
    if (strict && schema === null && allowed === null) {
      problems.push(`${place}topics.${topic}.strict needs topics.${topic}.allowed: it says which schemas are not refused`);
    }
  }
  return problems;
}

function storageRules({ storage }: Settings, { placeOf }: RuleContext): string[] {
  const { accessKeyId, secretAccessKey } = storage;
  if ((accessKeyId === null) === (secretAccessKey === null)) return [];
  const present = accessKeyId === null ? 'secretAccessKey' : 'accessKeyId';
  return [`${placeOf(['storage', present])}storage.accessKeyId and storage.secretAccessKey go together: set both or neither`];
}

function registryRules({ schemas: { registry } }: Settings, { placeOf }: RuleContext): string[] {
  const place = placeOf(['schemas', 'registry']);
  const { username, password, token } = registry;
  if ((username === null) !== (password === null))
    return [`${place}schemas.registry.username and schemas.registry.password go together: set both or neither`];
  if (token !== null && username !== null) return [`${place}schemas.registry takes a token or a user with a password, not both`];
  return [];
}

function metricsRules({ given, placeOf }: RuleContext): string[] {
  const metrics = (given as { metrics?: { host?: unknown; port?: unknown } | null }).metrics;
  if ((metrics?.host ?? null) === null || (metrics?.port ?? null) !== null) return [];
  return [`${placeOf(['metrics', 'host'])}metrics.host needs metrics.port`];
}

function accessRules({ auth, http }: Settings, { placeOf }: RuleContext): string[] {
  if (auth.mode === 'none' && !isLoopback(http.host)) {
    const place = placeOf(['http', 'host']);
    return [
      `${place}http.host is ${http.host}, which others can reach, and auth.mode is none. ` +
        'Set DQ_AUTH_MODE=token and DQ_AUTH_TOKENS=NAME:ROLE:TOKEN, or DQ_HTTP_HOST=127.0.0.1',
    ];
  }
  if (auth.mode === 'token' && auth.tokens.length === 0) {
    return [`${placeOf(['auth', 'mode'])}auth.mode is token, but there is none: set DQ_AUTH_TOKENS=NAME:ROLE:TOKEN`];
  }
  return auth.mode === 'oidc' ? oidcRules({ auth, http }, placeOf) : [];
}

function oidcRules({ auth, http }: Pick<Settings, 'auth' | 'http'>, placeOf: RuleContext['placeOf']): string[] {
  const { issuer } = auth.oidc;
  const place = placeOf(['auth', 'mode']);
  const needed = { issuer: 'DQ_OIDC_ISSUER', clientId: 'DQ_OIDC_CLIENT_ID', roleClaim: 'DQ_OIDC_ROLE_CLAIM' } as const;
  const problems = Object.entries(needed)
    .filter(([key]) => auth.oidc[key as keyof typeof needed] === null)
    .map(([key, variable]) => `${place}auth.mode oidc needs auth.oidc.${key}: set ${variable}`);
  if (issuer?.startsWith('http:') && !isLoopback(new URL(issuer).hostname))
    problems.push(`${placeOf(['auth', 'oidc', 'issuer'])}auth.oidc.issuer must be https: whoever is on the way could vouch for anybody`);
  if (http.publicUrl === null && !isLoopback(http.host))
    problems.push(`${place}auth.mode oidc needs http.publicUrl where others can reach the service: set DQ_HTTP_PUBLIC_URL`);
  return problems;
}
