import type { Settings } from '../config/settings.ts';
import { openDatabase } from '../drivers/postgres/database.ts';
import { messageOf } from '../lib/errors.ts';
import { type Compatibility, whoIsHit } from '../registry/compatibility/compare-schemas.ts';
import { type Sender, type Senders, sendersOf } from '../store/schema-senders.ts';
import type { Io } from './io.ts';
import { paint, printLine } from './print.ts';
import { type SettingsOptions, settingsFor } from './settings-options.ts';

/** A version that breaks with an earlier one. */
export interface BrokenVersion {
  /** Null for a bare schema: then nobody can be named. */
  readonly name: string | null;
  readonly owner: string | null;
  readonly file: string;
}

/** What a break means, and for whom, as far as settings and tables tell. Nothing that keeps it from being known is an error here. */
export async function printWhoIsHit(
  io: Io,
  { name, owner, file }: BrokenVersion,
  { findings }: Compatibility,
  options: SettingsOptions,
): Promise<void> {
  const line = (label: string, text: string) => printLine(io.stdout, `    ${label.padEnd(11)}  ${text}`);
  const sentences = Object.values(whoIsHit).filter((sentence) => findings.some(({ message }) => message.includes(sentence)));
  printLine(io.stdout);
  printLine(io.stdout, `  ${paint(io, 'bold', 'who is hit')}  ${sentences.join(' ')}`);
  if (name === null) return;
  if (owner !== null) line('owner', owner);
  try {
    const { settings } = settingsFor(io, options, []);
    if (sentences.includes(whoIsHit.older)) line('consumers', `those of ${settings.kafka.validTopic}`);
    if (!sentences.includes(whoIsHit.newer)) return;
    line('topics', topicsOf(settings, name));
    if (settings.postgres.url === null) line('producers', 'not known without a database (postgres.url)');
    else printSenders(line, await readSenders(settings.postgres.url, name));
    line('how many', `dq schemas whatif ${name} ${file}`);
  } catch (error) {
    line('producers', `not known: ${messageOf(error)}`);
  }
}

async function readSenders(url: string, name: string): Promise<Senders> {
  const database = openDatabase({ url, poolMax: 1 });
  try {
    return await sendersOf(database, name);
  } finally {
    await database.close();
  }
}

type PrintLine = (label: string, text: string) => void;

function printSenders(line: PrintLine, { producers, topics }: Senders): void {
  const told = ({ name, messages, lastSeen }: Sender, what: string) =>
    `${name}  (${messages.toLocaleString('en')} ${what}, the last on ${lastSeen.toISOString().slice(0, 10)})`;
  const list = (label: string, senders: readonly Sender[], what: string, none: string) => {
    if (senders.length === 0) line(label, none);
    for (const [index, sender] of senders.entries()) line(index === 0 ? label : '', told(sender, what));
  };
  list('producers', producers, 'messages sampled', 'none was seen so far');
  list('quarantine', topics, 'records', 'no open record of it');
}

/** Topics of the settings that say something of the schema; else the source topics, whose messages name their schemas themselves. */
function topicsOf({ topics, kafka }: Settings, name: string): string {
  const named = Object.entries(topics).flatMap(([topic, { schema, allowed }]) => {
    if (schema === name) return [`${topic} (topics.${topic}.schema)`];
    return allowed?.includes(name) ? [`${topic} (topics.${topic}.allowed)`] : [];
  });
  if (named.length > 0) return named.join(', ');
  return `${kafka.sourceTopics.join(', ')}, where messages name it themselves`;
}
