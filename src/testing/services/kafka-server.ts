import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { kafkaJars } from './programs.ts';
import { openServer, type Place, type Recipe, runToEnd, type Server, type ServerOptions } from './server.ts';

export interface KafkaServer {
  readonly brokers: string;
  readonly server: Server;
}

/** One Kafka node that is broker and controller (KRaft), alone on this machine. */
export async function openKafka(options: ServerOptions = {}): Promise<KafkaServer> {
  const { server, place } = await openServer(kafka, options);
  return { server, brokers: `127.0.0.1:${place.ports[0]}` };
}

const kafka: Recipe = {
  name: 'Kafka',
  errorCode: 'DQ_KAFKA_UNREACHABLE',
  portsCount: 2,
  stopSignal: 'SIGTERM',
  reapSignal: 'KILL',
  prepare: async (place) => {
    await writeFile(settingsFile(place), settings(place));
    if (existsSync(path.join(place.dir, 'log', 'meta.properties'))) return;
    await runToEnd(
      java(['-XX:TieredStopAtLevel=1'], ['kafka.tools.StorageTool', 'format', '-t', clusterId(), '-c', settingsFile(place)]),
      place.dir,
    );
  },
  command: (place) => java(['-Xms256m', '-Xmx1g'], ['kafka.Kafka', settingsFile(place)]),
  isReady: (place) => answersApiVersions(place.ports[0] ?? 0),
};

function java(machine: readonly string[], program: readonly string[]): { file: string; args: string[] } {
  // Without a settings file log4j writes to stdout, from this level on: enough to say why a broker ended.
  const log = '-Dorg.apache.logging.log4j.level=WARN';
  return { file: 'java', args: [...machine, log, '-Djava.awt.headless=true', '-cp', path.join(kafkaJars(), '*'), ...program] };
}

function settingsFile(place: Place): string {
  return path.join(place.dir, 'server.properties');
}

/** Kafka's own form of a UUID: 16 bytes in base64url. A leading dash would read as an option. */
function clusterId(): string {
  const id = randomBytes(16).toString('base64url');
  return id.startsWith('-') ? clusterId() : id;
}

function settings({ dir, ports: [port, controllerPort] }: Place): string {
  return Object.entries({
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': path.join(dir, 'log'),
    'auto.create.topics.enable': false,
    'delete.topic.enable': true,
    'group.initial.rebalance.delay.ms': 0,
    // One node cannot keep three copies of its own topics; fewer partitions of them are faster to make.
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 5,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 5,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    // Values of 10 MiB and their headers must be able to come in, or the limits above them could not be tested.
    'message.max.bytes': 32 * 1024 * 1024,
    'replica.fetch.max.bytes': 32 * 1024 * 1024,
  })
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

/** Sends ApiVersions, the request that every broker answers first; it is answered when the broker serves its clients. */
function answersApiVersions(port: number): Promise<boolean> {
  const request = Buffer.alloc(14);
  request.writeInt32BE(10, 0); // the length of what follows
  request.writeInt16BE(18, 4); // ApiVersions
  request.writeInt16BE(0, 6); // version 0
  request.writeInt32BE(1, 8); // correlation id
  request.writeInt16BE(-1, 12); // no client id
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: 2000 }, () => socket.write(request));
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('data', (data) => end(data.length >= 10 && data.readInt32BE(4) === 1 && data.readInt16BE(8) === 0));
    socket.once('timeout', () => end(false));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
  });
}
