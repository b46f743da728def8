import path from 'node:path';
import { composeIsThere, openByCompose } from './compose.ts';
import { openKafka } from './kafka-server.ts';
import { openPostgres } from './postgres-server.ts';
import { runningServices } from './running.ts';
import { openS3 } from './s3-server.ts';
import { type Addresses, closeAll, type OpenService, type ServiceName } from './service.ts';
import { namedBySettings } from './settings.ts';

export interface Services extends Addresses {
  readonly took: Readonly<Record<ServiceName, string>>;
  /** Are all three ours alone? A server that the settings name or that ran before may hold somebody's data. */
  readonly areOurs: boolean;
  close(): Promise<void>;
}

export interface ServicesOptions {
  /** Where the data are kept for the next time. Without it they go when the services close. */
  readonly dir?: string | undefined;
  /** May servers serve that somebody started before, named by the settings or by `npm run services -- up`? Default: yes. */
  readonly reuse?: boolean;
}

/** Kafka, PostgreSQL and S3, opened side by side. When one cannot be had, none stays open. */
export async function openServices(options: ServicesOptions = {}): Promise<Services> {
  const opening = [openService('kafka', options), openService('postgres', options), openService('s3', options)] as const;
  try {
    const [kafka, postgres, s3] = await Promise.all(opening);
    const took = { kafka: kafka.took, postgres: postgres.took, s3: s3.took };
    const areOurs = [kafka, postgres, s3].every(({ isOurs }) => isOurs);
    return { areOurs, kafka: kafka.address, postgres: postgres.address, s3: s3.address, took, close: () => closeAll(opening) };
  } catch (error) {
    await closeAll(opening);
    throw error;
  }
}

/** The first that can be had: what the settings name, what `npm run services -- up` left running, Docker Compose, a program of this machine. */
export async function openService<Name extends ServiceName>(name: Name, options: ServicesOptions = {}): Promise<OpenService<Name>> {
  if (options.reuse ?? true) {
    const named = await namedBySettings(name);
    if (named) return { ...named, isOurs: false, close: async () => {} };
    const running = await runningServices();
    if (running)
      return {
        address: running[name],
        took: `${running.took[name]} (running since "npm run services -- up")`,
        isOurs: false,
        close: async () => {},
      };
  }
  // Containers keep their data in volumes of their own, not in a folder that was asked for.
  if (options.dir === undefined && composeIsThere()) return openByCompose(name);
  return openers[name](options.dir && path.join(options.dir, name));
}

const openers: { [Name in ServiceName]: (dir: string | undefined) => Promise<OpenService<Name>> } = {
  kafka: async (dir) => {
    const { brokers, server } = await openKafka({ dir });
    return { address: { brokers }, took: `Apache Kafka 4.1.0, started here on ${brokers}`, isOurs: true, close: () => server.close() };
  },
  postgres: async (dir) => {
    const { url, server } = await openPostgres({ dir });
    return { address: { url }, took: `PostgreSQL, started here on ${new URL(url).host}`, isOurs: true, close: () => server.close() };
  },
  s3: async (dir) => {
    const { server, ...address } = await openS3({ dir });
    return {
      address,
      took: `SeaweedFS 4.48 (S3), started here on ${new URL(address.endpoint).host}`,
      isOurs: true,
      close: () => server.close(),
    };
  },
};
