import { type MetricRow, metricsPrefix, metricsTable } from './metrics.ts';

const introduction = `# Metrics

<!-- Written by src/observe/metrics-page.ts from the table in src/observe/metrics.ts. Change it there, then: npx vitest run src/observe -u -->

\`GET /metrics\` serves these, and the usual \`process_\` and \`nodejs_\` metrics, in the text format of Prometheus, without a token, on
\`http.port\` or on a port of its own (\`metrics.port\`). Label values are bounded: topics and sinks are those of the settings, \`error_type\`
is a fixed set, and \`schema\` is the name of a known schema or \`unknown\`.

| metric | type | labels | what it says |
| --- | --- | --- | --- |
`;

/** The reference page, `docs/metrics.md`. */
export function metricsPage(): string {
  const rows = Object.values<MetricRow>(metricsTable).map(({ name, kind, labels, help }) => {
    const names = labels.map((label) => `\`${label}\``).join(', ');
    return `| \`${metricsPrefix}${name}\` | ${kind} | ${names === '' ? '–' : names} | ${help} |\n`;
  });
  return introduction + rows.join('');
}
