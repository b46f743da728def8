import { readdirSync } from 'node:fs';
import path from 'node:path';
import { schemaRegistryDir } from './programs.ts';
import { openServer, type Place, type Recipe, type Server } from './server.ts';

export interface SchemaRegistryServer {
  /** Up to the path of Confluent's API. */
  readonly url: string;
  readonly server: Server;
}

/** Apicurio Registry with Confluent's API, in memory: what was registered is gone when it stops. */
export async function openSchemaRegistry(): Promise<SchemaRegistryServer> {
  const { server, place } = await openServer(schemaRegistry, {});
  return { server, url: apiOf(place) };
}

const schemaRegistry: Recipe = {
  name: 'Apicurio Registry',
  errorCode: 'DQ_SCHEMA_REGISTRY_UNREACHABLE',
  portsCount: 1,
  stopSignal: 'SIGTERM',
  reapSignal: 'KILL',
  prepare: async () => {},
  command: ({ ports: [port] }) => {
    const dir = schemaRegistryDir();
    const jar = readdirSync(dir).find((file) => file.endsWith('-runner.jar')) as string;
    const settings = ['-Dquarkus.http.host=127.0.0.1', `-Dquarkus.http.port=${port}`];
    return { file: 'java', args: ['-XX:TieredStopAtLevel=1', '-Xmx512m', ...settings, '-jar', path.join(dir, jar)] };
  },
  isReady: async (place) => {
    const answer = await fetch(`${apiOf(place)}/subjects`).catch(() => null);
    return answer?.ok ?? false;
  },
};

function apiOf({ ports: [port] }: Place): string {
  return `http://127.0.0.1:${port}/apis/ccompat/v7`;
}
