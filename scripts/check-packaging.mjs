/**
 * Checks Dockerfile, docker-compose.yml and deploy/ where there is no container daemon: the compose file against its published
 * schema, the Dockerfile with hadolint, every PromQL expression with Prometheus' own grammar. With `--build`, the image's own steps
 * are run in order in a clean folder, on the image's own Node. The tools are fetched once, pinned, into the cache folder.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { runImageSteps } from './packaging/image-steps.mjs';
import { composeTool, hadolint, promqlParser, root, run } from './packaging/tools.mjs';

const { values: flags } = parseArgs({ options: { build: { type: 'boolean', default: false }, keep: { type: 'boolean', default: false } } });

/** The compose file is valid by its schema, its variables resolve, and what it mounts is there. */
async function checkCompose() {
  const project = JSON.parse(await run(await composeTool(), { cwd: root }));
  const services = Object.entries(project.services);
  const mounts = services.flatMap(([, { volumes = [] }]) => volumes).filter(({ type }) => type === 'bind');
  for (const { source } of mounts) readdirSync(source);
  const unwatched = services.filter(([, service]) => service.restart === 'unless-stopped' && !service.healthcheck && !service.build);
  if (unwatched.length > 0) throw new Error(`without a health check: ${unwatched.map(([name]) => name).join(', ')}`);
  return `${services.length} services, ${mounts.length} mounts`;
}

async function checkDockerfile() {
  await run([await hadolint(), '--failure-threshold', 'info', 'Dockerfile'], { cwd: root });
  return 'no findings';
}

/** Every expression of the alerts and of the dashboard is PromQL. */
async function checkExpressions() {
  const parser = await promqlParser();
  const { groups } = parse(readFileSync(join(root, 'deploy/prometheus/alerts.yml'), 'utf8'));
  const dashboards = readdirSync(join(root, 'deploy/grafana/dashboards')).map((name) =>
    JSON.parse(readFileSync(join(root, 'deploy/grafana/dashboards', name), 'utf8')),
  );
  const expressions = [
    ...groups.flatMap(({ rules }) => rules.map(({ alert, expr }) => [alert, expr])),
    ...dashboards.flatMap(({ panels }) => panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr]))),
    ...dashboards.flatMap(({ annotations }) => annotations.list.map(({ name, expr }) => [name, expr])),
  ];
  for (const [title, expression] of expressions) {
    // Grafana fills its variables in before Prometheus sees the expression.
    const filled = expression.replaceAll('$__rate_interval', '1m').replaceAll('$topic', '.*');
    parser.parse(filled).iterate({
      enter: ({ type, from }) => {
        if (type.isError) throw new Error(`${title}: not PromQL at character ${from}: ${filled}`);
      },
    });
  }
  return `${expressions.length} expressions`;
}

const checks = [
  ['docker-compose.yml', checkCompose],
  ['Dockerfile', checkDockerfile],
  ['deploy/', checkExpressions],
  ...(flags.build ? [['image steps', () => runImageSteps({ keep: flags.keep })]] : []),
];

for (const [name, check] of checks) {
  const startedMs = performance.now();
  try {
    const found = await check();
    console.log(`ok      ${name.padEnd(18)}  ${seconds(startedMs)} s  ${found}`);
  } catch (error) {
    console.log(`FAILED  ${name.padEnd(18)}  ${seconds(startedMs)} s\n${error.message}`);
    process.exitCode = 1;
  }
}

function seconds(startedMs) {
  return ((performance.now() - startedMs) / 1000).toFixed(1).padStart(6);
}
