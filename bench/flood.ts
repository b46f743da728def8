import { type BareCopy, bareCopy } from './bare-copy.ts';
import { eventOf } from './events.ts';
import { type Run, say } from './run.ts';
import { type Stage, schemasOfClone } from './stage.ts';
import { runServiceThen } from './throughput.ts';

/** One round of the quarantine: the service with nothing but bad messages, then COPY alone with the rows that it wrote. */
export interface Flood {
  readonly service: Run;
  readonly indexedCopy: BareCopy;
  readonly plainCopy: BareCopy;
}

export interface FloodSizes {
  readonly rounds: number;
  readonly messages: number;
}

export async function measureFloods(stage: Stage, { rounds, messages }: FloodSizes): Promise<Flood[]> {
  say('all bad');
  return stage.withSource({ messages, bad: messages, event: (number) => eventOf(number, 1) }, async (source) => {
    const floods: Flood[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const { run, kept: copies } = await runServiceThen(stage, {
        source,
        schemasDir: schemasOfClone,
        after: (runDatabase) =>
          stage.withDatabase(runDatabase, async (database) => ({
            indexedCopy: await bareCopy(database, 'indexed'),
            plainCopy: await bareCopy(database, 'plain'),
          })),
      });
      floods.push({ service: run, ...copies });
      say(`  service: ${Math.round(run.messagesPerSecond)}/s, COPY: ${Math.round(copies.indexedCopy.rowsPerSecond)} rows/s`);
    }
    return floods;
  });
}
