import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { java } from './kafka-server.ts';
import { connectFileDir } from './programs.ts';
import { openServer, type Place, type Recipe, type Server } from './server.ts';

export interface ConnectServer {
  readonly server: Server;
  /** What the sink has written into its file so far: a value as Java prints it, a line each. */
  written(): Promise<string[]>;
}

export interface SinkOptions {
  readonly brokers: string;
  /** Of the connector; its group is `connect-NAME`. */
  readonly name: string;
  /** Settings of the connector in Connect's own names; its class and its file are set here. */
  readonly settings: Readonly<Record<string, string>>;
}

/** Kafka Connect in one process, with one sink that writes the values of its topics into a file. Open means that its task runs. */
export async function openConnect(sink: SinkOptions): Promise<ConnectServer> {
  const { server, place } = await openServer(recipe(sink), {});
  const written = async () => (await readFile(sinkFile(place), 'utf8')).split('\n').slice(0, -1);
  return { server, written };
}

function recipe(sink: SinkOptions): Recipe {
  return {
    name: 'Kafka Connect',
    errorCode: 'DQ_KAFKA_UNREACHABLE',
    portsCount: 1,
    stopSignal: 'SIGTERM',
    reapSignal: 'KILL',
    prepare: async (place) => {
      await writeFile(workerFile(place), properties(workerSettings(place, sink)));
      await writeFile(connectorFile(place), properties(connectorSettings(place, sink)));
    },
    command: (place) =>
      java(
        ['-XX:TieredStopAtLevel=1', '-Xmx256m'],
        ['org.apache.kafka.connect.cli.ConnectStandalone', workerFile(place), connectorFile(place)],
      ),
    isReady: async ({ ports: [port] }) => {
      const answer = await fetch(`http://127.0.0.1:${port}/connectors/${sink.name}/status`).catch(() => null);
      if (!answer?.ok) return false;
      const { tasks } = (await answer.json()) as { tasks: { state: string }[] };
      return tasks.length > 0 && tasks.every(({ state }) => state === 'RUNNING');
    },
  };
}

function workerSettings({ dir, ports: [port] }: Place, { brokers }: SinkOptions): Record<string, string> {
  const json = 'org.apache.kafka.connect.json.JsonConverter';
  return {
    'bootstrap.servers': brokers,
    listeners: `http://127.0.0.1:${port}`,
    'offset.storage.file.filename': path.join(dir, 'offsets'),
    // Its sinks flush with their commits.
    'offset.flush.interval.ms': '200',
    'plugin.path': connectFileDir(),
    // Looking through every class of every jar takes seconds.
    'plugin.discovery': 'service_load',
    'key.converter': json,
    'key.converter.schemas.enable': 'false',
    'value.converter': json,
    'value.converter.schemas.enable': 'false',
  };
}

function connectorSettings(place: Place, { name, settings }: SinkOptions): Record<string, string> {
  const connector = 'org.apache.kafka.connect.file.FileStreamSinkConnector';
  return { name, 'connector.class': connector, 'tasks.max': '1', file: sinkFile(place), ...settings };
}

function properties(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

function workerFile({ dir }: Place): string {
  return path.join(dir, 'worker.properties');
}

function connectorFile({ dir }: Place): string {
  return path.join(dir, 'connector.properties');
}

function sinkFile({ dir }: Place): string {
  return path.join(dir, 'sink.txt');
}
