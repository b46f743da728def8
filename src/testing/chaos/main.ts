import { parseArgs } from 'node:util';
import { DataQuarantineError, messageOf } from '../../lib/errors.ts';
import { type ChaosReport, runChaos } from './chaos.ts';
import { faults } from './faults.ts';
import type { ChaosLane } from './stage.ts';

const namesMax = 10;
const lanes: readonly ChaosLane[] = ['auto', 'native', 'client'];

const usage = `npm run chaos -- [--minutes 10] [--seed N] [--rate 500] [--lane auto|native|client] [--only FAULT,…] [--logs] [--json]

Starts Kafka, PostgreSQL and an S3 server of its own on 127.0.0.1, three instances of the service and a steady load, and breaks them in the
order that the seed chooses. Then the ledger must balance: exit code 0 if it does, 1 if not. The seed repeats the choice of faults, not the
moments in which they hit. What the instances logged is kept where something was found, and with --logs.

Faults: ${Object.keys(faults).join(', ')}
`;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string' },
    lane: { type: 'string', default: 'auto' },
    rate: { type: 'string', default: '500' },
    only: { type: 'string', default: '' },
    logs: { type: 'boolean', default: false },
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
      lane: laneOf(values.lane),
      rate: Number(values.rate),
      only: values.only.split(',').filter((name) => name !== ''),
      keepsLogs: values.logs,
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

function laneOf(name: string): ChaosLane {
  const lane = lanes.find((known) => known === name);
  if (lane) return lane;
  throw new DataQuarantineError('DQ_CONFIG_INVALID', `--lane is one of ${lanes.join(', ')}, not ${name}.`);
}

function describe(report: ChaosReport): string {
  const { seed, seconds, counts, deaths, badStops, unaccounted, copies, memory } = report;
  const played = Object.values(report.faults).reduce((sum, count) => sum + count, 0);
  const mbMax = Math.max(0, ...memory.map((minute) => minute.mbMax));
  const lines = [
    `seed ${seed}: ${played} faults in ${seconds} s, ${report.starts} starts, ${deaths.length} instances ended by themselves, at most ${mbMax} MB`,
    ...report.leftOut.map((name) => `  not played, this machine cannot: ${name}`),
    ...deaths.map(({ end, lastLine, wasRunning }) => `  ${wasRunning ? 'ended' : 'did not start'}: ${end}: ${lastLine}`),
    ...badStops.map(({ end, lastLine }) => `  did not stop as it should: ${end}: ${lastLine}`),
    JSON.stringify(counts),
    ...unaccounted.map(({ topic, partition, offset, reason }) => `unaccounted: ${topic}/${partition}/${offset} ${reason}`),
    `${report.disordered.count} copies out of order`,
    `${copies.repeats} copies came again, the latest ${copies.repeatMsMax} ms behind the commit of its source, as far as was seen in ${copies.looks} looks`,
    ...copies.afterCommit.slice(0, namesMax).map(({ source }) => `committed before it was there: ${source.partition}/${source.offset}`),
    ...copies.unexplained.slice(0, namesMax).map(({ source }) => `came again without need: ${source.partition}/${source.offset}`),
    ...report.commitsBack.map(({ partition, from, to }) => `a committed offset went back: ${partition} from ${from} to ${to}`),
    report.isWhole ? 'Nothing lost.' : 'NOT WHOLE.',
  ];
  return `${lines.join('\n')}\n`;
}
