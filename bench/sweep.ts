import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventBytes, eventOf, eventOfSchema, sizedEvent, sizedSchema } from './events.ts';
import { inTurn, type Rounds, say } from './run.ts';
import { type SourceOptions, type Stage, schemasOfClone } from './stage.ts';
import { runLimit, runService } from './throughput.ts';

/** What is varied, one thing at a time. */
export const sweepNames = ['size', 'schemas', 'partitions', 'invalid'] as const;
export type SweepName = (typeof sweepNames)[number];

export interface SweepPoint {
  /** Bytes of a message, schemas, partitions, or the share of bad messages. */
  readonly at: number;
  readonly messages: number;
  readonly bytesPerMessage: number;
  readonly runs: Rounds<'limit' | 'service'>;
}

export interface Sweep {
  readonly name: SweepName;
  readonly points: readonly SweepPoint[];
}

export interface SweepSizes {
  readonly rounds: number;
  readonly messages: number;
}

/** One point: the topic, and the folder of schemas where it is not the clone's. */
interface Plan extends SourceOptions {
  readonly bytesPerMessage: number;
  readonly schemasDir?: string;
}

/** No point moves more than this, so that large messages take no longer than small ones. */
const bytesMax = 400e6;

const plans: Readonly<
  Record<SweepName, { values: readonly number[]; plan: (stage: Stage, value: number, messages: number) => Promise<Plan> }>
> = {
  size: {
    values: [100, 309, 1_000, 10_000, 100_000],
    plan: async (stage, bytes, messages) => ({
      messages: Math.min(messages, Math.floor(bytesMax / bytes)),
      bad: 0,
      bytesPerMessage: bytes,
      event: eventsOfSize(bytes),
      schemasDir: await writeSchemas(stage, 'sized', new Map([['sized', sizedSchema]])),
    }),
  },
  schemas: {
    values: [1, 10, 100, 500],
    plan: async (stage, schemas, messages) => ({
      messages,
      bad: 0,
      bytesPerMessage: eventBytes,
      event: (number) => eventOfSchema(number, copyName(number % schemas)),
      schemasDir: await writeCopies(stage, schemas),
    }),
  },
  partitions: {
    values: [8, 32, 128, 256],
    plan: async (_stage, partitions, messages) => ({ ...usual(messages, 0.005), partitions }),
  },
  invalid: {
    values: [0, 0.005, 0.05, 0.25, 1],
    plan: async (_stage, share, messages) => usual(Math.round(messages / (share < 0.1 ? 1 : share < 0.5 ? 2 : 4)), share),
  },
};

export async function measureSweep(stage: Stage, name: SweepName, sizes: SweepSizes): Promise<Sweep> {
  const points: SweepPoint[] = [];
  for (const at of plans[name].values) {
    say(`sweep of ${name}, ${at}`);
    const { schemasDir, bytesPerMessage, ...source } = await plans[name].plan(stage, at, sizes.messages);
    const runs = await stage.withSource(source, (filled) =>
      inTurn(sizes.rounds, {
        limit: () => runLimit(stage, filled),
        service: () => runService(stage, filled, schemasDir),
      }),
    );
    points.push({ at, messages: source.messages, bytesPerMessage, runs });
  }
  return { name, points };
}

function usual(messages: number, badShare: number): Plan {
  return {
    messages,
    bad: Math.floor(messages * badShare),
    bytesPerMessage: eventBytes,
    event: (number) => eventOf(number, badShare),
  };
}

/** Large events take longer to make than to send, so a few of them go round. */
function eventsOfSize(bytes: number): SourceOptions['event'] {
  const events = Array.from({ length: 64 }, (_, number) => sizedEvent(number, bytes));
  return (number) => events[number % events.length] as (typeof events)[number];
}

/** As many schemas as asked for, each the usual one under another name. */
async function writeCopies(stage: Stage, count: number): Promise<string> {
  const text = await readFile(join(schemasOfClone, 'user_event', '1.0.0.yaml'), 'utf8');
  const names = Array.from({ length: count }, (_, number) => copyName(number));
  return writeSchemas(stage, `copies-${count}`, new Map(names.map((name) => [name, text.replace(/^name: .*$/m, `name: ${name}`)])));
}

function copyName(number: number): string {
  return `user_event_${number}`;
}

async function writeSchemas(stage: Stage, folder: string, texts: ReadonlyMap<string, string>): Promise<string> {
  const dir = join(stage.dir, 'schemas', folder);
  for (const [name, text] of texts) {
    await mkdir(join(dir, name), { recursive: true });
    await writeFile(join(dir, name, '1.0.0.yaml'), text);
  }
  return dir;
}
