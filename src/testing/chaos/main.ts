import { parseArgs } from 'node:util';
import { messageOf } from '../../lib/errors.ts';
import { type ChaosReport, runChaos } from './chaos.ts';
import { faults } from './faults.ts';

const usage = `npm run chaos -- [--minutes 10] [--seed N] [--rate 500] [--only FAULT,…] [--json]

Starts Kafka, PostgreSQL and an S3 server of its own on 127.0.0.1, three instances of the service and a steady load, and breaks them in the
order that the seed chooses. Then the ledger must balance: exit code 0 if it does, 1 if not. The seed repeats the choice of faults, not the
moments in which they hit.

Faults: ${Object.keys(faults).join(', ')}
`;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string' },
    rate: { type: 'string', default: '500' },
    only: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

if (values.help) process.stdout.write(usage);
else await main();

async function main(): Promise<void> {
  try {
    const report = await runChaos({
      seconds: Number(values.minutes) * 60,
      seed: values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed),
      rate: Number(values.rate),
      only: values.only.split(',').filter((name) => name !== ''),
      say: (line) => process.stderr.write(`${line}\n`),
      signal: stop.signal,
    });
    process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : describe(report));
    process.exitCode = report.isWhole ? 0 : 1;
  } catch (error) {
    process.stderr.write(`chaos: ${messageOf(error)}\n`);
    process.exitCode = 1;
  }
}

function describe(report: ChaosReport): string {
  const { seed, seconds, counts, deaths, badStops, unaccounted } = report;
  const played = Object.values(report.faults).reduce((sum, count) => sum + count, 0);
  const lines = [
    `seed ${seed}: ${played} faults in ${seconds} s, ${report.starts} starts, ${deaths.length} instances ended by themselves, at most ${report.residentMbMax} MB`,
    ...deaths.map(({ end, lastLine, wasRunning }) => `  ${wasRunning ? 'ended' : 'did not start'}: ${end}: ${lastLine}`),
    ...badStops.map(({ end, lastLine }) => `  did not stop as it should: ${end}: ${lastLine}`),
    JSON.stringify(counts),
    ...unaccounted.map(({ topic, partition, offset, reason }) => `unaccounted: ${topic}/${partition}/${offset} ${reason}`),
    `${report.disordered.count} copies out of order`,
    report.isWhole ? 'Nothing lost.' : 'NOT WHOLE.',
  ];
  return `${lines.join('\n')}\n`;
}
