import { type Mode, simulate } from './simulate.ts';

/** Far from what the schedules take: their number is the limit, not the clock. */
export const playMsMax = 600_000;

/** Plays one schedule after another; `DQ_SIMULATION_SEED` is the first, `DQ_SIMULATION_COUNT` how many. Returns how many faults there were. */
export async function playAll(mode: Mode): Promise<number> {
  const asked = process.env['DQ_SIMULATION_SEED'];
  const first = Number(asked ?? 1);
  const count = Number(process.env['DQ_SIMULATION_COUNT'] ?? (asked === undefined ? 5_000 : 1));
  let [events, faults, duplicates, spooled] = [0, 0, 0, 0];
  for (let seed = first; seed < first + count; seed++) {
    const outcome = await simulate(seed, mode);
    events += outcome.events;
    faults += outcome.faults;
    duplicates += outcome.duplicates;
    spooled += outcome.spooled;
    // Lets the test runner be heard.
    if (seed % 16 === 0) await new Promise(setImmediate);
  }
  process.stdout.write(
    `${mode}: seeds ${first} to ${first + count - 1}, ${events} events, ${faults} faults, ${duplicates} duplicates, ${spooled} spooled\n`,
  );
  return faults;
}
