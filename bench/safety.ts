import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventOf } from './events.ts';
import { inTurn, type Rounds, say } from './run.ts';
import { type Stage, schemasOfClone } from './stage.ts';
import { runServiceThen } from './throughput.ts';

/** The service with what carries it through outages and deaths on, and off. */
export interface Safety {
  readonly badShare: number;
  readonly messages: number;
  readonly runs: Rounds<'on' | 'off'>;
}

export interface SafetySizes {
  /** Pairs, at least three unless little is asked for. */
  readonly rounds: number;
  readonly messages: number;
}

/** Below `/dev/null` no folder can be made: there is no spool, and no file of what is in hand. */
const nowhere = '/dev/null/spool';

/**
 * Pairs of the same run, with the spool and without. The sums of the running service (`_unaccounted_records`) have no switch, since nobody
 * should have one: what they cost is measured by itself (`ledger sums`, of the part `judge`).
 */
export async function measureSafeties(stage: Stage, badShares: readonly number[], { rounds, messages }: SafetySizes): Promise<Safety[]> {
  const safeties: Safety[] = [];
  for (const badShare of badShares) {
    say(`the spool on and off, ${badShare * 100} % bad`);
    const options = { messages, bad: Math.floor(messages * badShare), event: (number: number) => eventOf(number, badShare) };
    const runs = await stage.withSource(options, async (source) => {
      const way = (name: string, spool: object) => async () => {
        const settingsFile = join(stage.dir, `safety-${name}.yaml`);
        await writeFile(settingsFile, JSON.stringify({ spool }));
        const { run } = await runServiceThen(stage, { source, schemasDir: schemasOfClone, settingsFile, after: async () => null });
        return run;
      };
      return inTurn(rounds, {
        on: way('on', { commit: true, dir: join(stage.dir, 'spool') }),
        off: way('off', { commit: false, dir: nowhere }),
      });
    });
    safeties.push({ badShare, messages, runs });
  }
  return safeties;
}
