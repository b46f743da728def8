/** The lane and the engine that the service took, by its own word. */
export interface Way {
  readonly lane: string;
  readonly engine: string;
}

/** One program's way through one full topic. */
export interface Run {
  /** Null where another program than the service ran. */
  readonly way: Way | null;
  readonly messages: number;
  /** From the moment the partitions were assigned until the last message was safe where it belongs. */
  readonly seconds: number;
  readonly messagesPerSecond: number;
  /** Processor time of the program, all threads, over that time. */
  readonly cpuMicrosPerMessage: number | null;
  readonly residentBytesPeak: number | null;
  readonly residentBytesMean: number | null;
}

/** Several ways over the same topic, each value by round. */
export type Rounds<Name extends string> = Readonly<Record<Name, readonly Run[]>>;

/**
 * The ways in turn, every second round backwards, so that none always runs on what another left in the caches. A way that is null
 * was not asked for and has no rounds.
 */
export async function inTurn<Name extends string>(
  rounds: number,
  ways: Readonly<Record<Name, (() => Promise<Run>) | null>>,
): Promise<Rounds<Name>> {
  const names = Object.keys(ways) as Name[];
  const results = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, Run[]>;
  for (let round = 0; round < rounds; round += 1) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const run = await ways[name]?.();
      if (!run) continue;
      results[name].push(run);
      say(`  ${name}: ${describe(run)}`);
    }
  }
  return results;
}

/** Progress goes to standard error, so that standard output is the report alone. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function describe({ messagesPerSecond, seconds, cpuMicrosPerMessage: cpu, residentBytesPeak: peak }: Run): string {
  const words = [
    `${Math.round(messagesPerSecond)}/s over ${seconds.toFixed(1)} s`,
    ...(cpu === null ? [] : [`${cpu.toFixed(1)} µs CPU a message`]),
    ...(peak === null ? [] : [`${Math.round(peak / 1e6)} MB`]),
  ];
  return words.join(', ');
}
