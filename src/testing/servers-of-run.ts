import type { TestProject } from 'vitest/node';
import './run-context.ts';
import { closeAll, type OpenService, type ServiceName } from './services/service.ts';
import { openService } from './services/services.ts';
import { createTemplate, dropDatabase } from './template-database.ts';

const needs: Readonly<Record<string, readonly ServiceName[]>> = {
  pg: ['postgres'],
  kafka: ['kafka'],
  s3: ['s3'],
  e2e: ['kafka', 'postgres', 's3'],
  browser: ['kafka', 'postgres', 's3'],
};

/** Starts, side by side, the servers that the selected test files need, once for the whole run; returns what ends them. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const needed = new Set(project.getProvidedContext().suffixes.flatMap((suffix) => needs[suffix] ?? []));
  const kafkaOpens = needed.has('kafka') ? openService('kafka') : null;
  const postgresOpens = needed.has('postgres') ? openService('postgres') : null;
  const s3Opens = needed.has('s3') ? openService('s3') : null;
  const opening = [kafkaOpens, postgresOpens, s3Opens].filter((one) => one !== null);
  try {
    const [kafka, postgres, s3] = await Promise.all([kafkaOpens, postgresOpens, s3Opens]);
    for (const one of [kafka, postgres, s3]) if (one) say(one);
    const template = postgres ? await createTemplate(postgres.address.url) : '';
    project.provide('kafka', kafka?.address ?? null);
    project.provide('postgres', postgres?.address ?? null);
    project.provide('s3', s3?.address ?? null);
    project.provide('templateDatabase', template);
    return async () => {
      // The server may be one that runs on.
      if (postgres) await dropDatabase(postgres.address.url, template);
      await closeAll(opening);
    };
  } catch (error) {
    await closeAll(opening);
    throw error;
  }
}

function say(service: OpenService<ServiceName>): void {
  process.stdout.write(`took ${service.took}\n`);
}
