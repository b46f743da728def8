import { sizeText } from '../../config/kinds.ts';
import type { Settings } from '../../config/settings.ts';
import { openWire, type TopicSettings, type Wire } from '../../drivers/kafka-wire/wire.ts';
import { partitionsOf, topicsOf } from '../topics.ts';
import { type Check, examine, failed, ok, warning } from './check.ts';

const dayMs = 24 * 3_600_000;
/** Dead letters that live shorter are gone before somebody has looked at them after a long weekend. */
const dlqRetentionDaysMin = 7;

/** The brokers, the topics and how they are set, and the rights as far as they show without writing anything. */
export async function checkKafka(settings: Settings): Promise<Check[]> {
  const { brokers, client } = settings.kafka;
  if (brokers.length === 0) return [failed('broker', 'kafka.brokers is not set', 'Set DQ_KAFKA_BROKERS.')];
  return examine('broker', async () => {
    const wire = await openWire({ brokers, client });
    try {
      const { clusterId } = await wire.cluster([]);
      return [ok('broker', `cluster ${clusterId}`), ...(await checkTopics(wire, settings)), ...(await checkGroup(wire, settings))];
    } finally {
      await wire.close();
    }
  });
}

async function checkTopics(wire: Wire, settings: Settings): Promise<Check[]> {
  const checks: Check[] = [];
  const partitionsByTopic = new Map<string, number>();
  for (const name of topicsOf(settings)) {
    const found = await examine(`topic ${name}`, async () => {
      const partitions = await partitionsOf(wire, name);
      if (partitions === null)
        return [failed(`topic ${name}`, 'does not exist, or may not be seen', 'Run dq topics create, or grant DESCRIBE.')];
      partitionsByTopic.set(name, partitions);
      return [ok(`topic ${name}`, `partitions: ${partitions}`)];
    });
    checks.push(...found);
  }
  for (const name of settings.intake.topics) {
    const found = await examine(`intake ${name}`, async () =>
      (await partitionsOf(wire, name)) === null
        ? [failed(`intake ${name}`, 'does not exist, or may not be seen', 'Mend intake.topics, or grant READ and DESCRIBE.')]
        : [ok(`intake ${name}`, `dead letters from ${(await wire.starts(name)).length} partitions`)],
    );
    checks.push(...found);
  }
  const { sourceTopics, validTopic, dlqTopic } = settings.kafka;
  checks.push(...partitionFindings(partitionsByTopic, sourceTopics, validTopic));
  for (const name of [validTopic, dlqTopic].filter((topic) => partitionsByTopic.has(topic))) {
    const findings = await examine(`settings of ${name}`, async () => {
      const topic = (await wire.topicSettings([name])).get(name);
      if (!topic) return [failed(`settings of ${name}`, 'cannot be read', 'Grant DESCRIBE_CONFIGS.')];
      return name === dlqTopic ? dlqFindings(name, topic, settings) : validFindings(name, topic, settings);
    });
    checks.push(...findings);
  }
  return checks;
}

function partitionFindings(partitionsByTopic: ReadonlyMap<string, number>, sourceTopics: readonly string[], validTopic: string): Check[] {
  const target = partitionsByTopic.get(validTopic);
  const most = Math.max(0, ...sourceTopics.map((name) => partitionsByTopic.get(name) ?? 0));
  if (target === undefined || target >= most) return [];
  const detail = `has fewer partitions (${target}) than a source topic (${most}): several of the source's share one`;
  return [warning(`topic ${validTopic}`, detail, 'Give it as many partitions as the source has.')];
}

/** What must hold for the valid topic; an empty list of complaints is one `ok`. */
export function validFindings(name: string, topic: TopicSettings, { limits }: Settings): Check[] {
  const at = `settings of ${name}`;
  const findings: Check[] = [];
  const needed = limits.valueBytes + limits.headerBytes;
  if (topic.messageBytesMax < needed) {
    const detail = `takes ${sizeText(topic.messageBytesMax)}, and limits.valueBytes and .headerBytes let ${sizeText(needed)} through`;
    findings.push(warning(at, detail, 'Raise max.message.bytes, or valid messages above it are quarantined as too_large.'));
  }
  if (topic.compacted)
    findings.push(warning(at, 'is compacted', 'Messages without a key cannot go there and are quarantined as publish_refused.'));
  if (topic.logAppendTime)
    findings.push(warning(at, 'replaces timestamps', 'Set message.timestamp.type=CreateTime to keep those of the source.'));
  return findings.length > 0 ? findings : [ok(at, `messages up to ${sizeText(topic.messageBytesMax)}`)];
}

/** What must hold for the topic of dead letters. */
export function dlqFindings(name: string, topic: TopicSettings, { limits }: Settings): Check[] {
  const at = `settings of ${name}`;
  const findings: Check[] = [];
  if (topic.compacted) {
    findings.push(failed(at, 'is compacted: dead letters of one key replace each other', 'Set cleanup.policy=delete.'));
  }
  const days = topic.retentionMs / dayMs;
  if (topic.retentionMs >= 0 && days < dlqRetentionDaysMin) {
    findings.push(
      warning(at, `keeps dead letters for ${days.toFixed(1)} days`, `Set retention.ms to ${dlqRetentionDaysMin} days or more.`),
    );
  }
  if (topic.messageBytesMax < limits.valueBytes) {
    const detail = `takes ${sizeText(topic.messageBytesMax)}, and a value may have ${sizeText(limits.valueBytes)}`;
    findings.push(warning(at, detail, 'Raise max.message.bytes, or larger dead letters only point to the stored payload.'));
  }
  return findings.length > 0
    ? findings
    : [ok(at, topic.retentionMs < 0 ? 'keeps dead letters for ever' : `keeps dead letters for ${Math.round(days)} days`)];
}

async function checkGroup(wire: Wire, { kafka }: Settings): Promise<Check[]> {
  const name = `group ${kafka.groupId}`;
  return examine(name, async () => {
    const topics: string[] = [];
    for (const topic of kafka.sourceTopics) if ((await partitionsOf(wire, topic)) !== null) topics.push(topic);
    if (topics.length === 0) return [];
    const offsets = [...(await wire.committed(kafka.groupId, topics)).values()].flat();
    const committed = offsets.filter((offset) => offset !== null).length;
    return [
      ok(name, committed === 0 ? 'new: starts at the earliest message' : `has offsets for ${committed} of ${offsets.length} partitions`),
    ];
  });
}
