import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { kafkaJars } from './programs.ts';
import { type Command, openServer, type Place, type Recipe, runToEnd, type Server, type ServerOptions } from './server.ts';

export interface KafkaServer {
  readonly brokers: string;
  readonly server: Server;
}

/** What a broker shows and asks for where it is spoken to over TLS. */
export interface BrokerSecurity {
  /** A PEM file: the broker's private key (PKCS #8), then its certificate. */
  readonly keyStore: string;
  /** Who may log in, by PLAIN and by SCRAM-SHA-512. */
  readonly user: string;
  readonly password: string;
}

/** What one node of a cluster is. */
interface Node {
  readonly clusterId: string;
  readonly security: BrokerSecurity | null;
  /** `HOST:PORT` of the node that controls the cluster; null where it is this one. */
  readonly controller: string | null;
}

/** One Kafka node that is broker and controller (KRaft), alone on this machine. */
export async function openKafka(options: ServerOptions = {}): Promise<KafkaServer> {
  const { server, place } = await openServer(recipe({ clusterId: clusterId(), security: null, controller: null }), options);
  return { server, brokers: `127.0.0.1:${place.ports[0]}` };
}

/** The same with a second address, of the name localhost, that takes SASL over TLS only. */
export async function openSecureKafka(security: BrokerSecurity): Promise<KafkaServer & { readonly secureBrokers: string }> {
  const { server, place } = await openServer(recipe({ clusterId: clusterId(), security, controller: null }), {});
  return { server, brokers: `127.0.0.1:${place.ports[0]}`, secureBrokers: `localhost:${place.ports[2]}` };
}

/** Two brokers of one cluster. The first controls it, so the second may be away. */
export async function openKafkaPair(): Promise<KafkaServer & { readonly second: Server }> {
  const id = clusterId();
  const first = await openServer(recipe({ clusterId: id, security: null, controller: null }), {});
  const brokers = `127.0.0.1:${first.place.ports[0]}`;
  try {
    const controller = `127.0.0.1:${first.place.ports[1]}`;
    const { server: second } = await openServer(recipe({ clusterId: id, security: null, controller }), {});
    return { server: first.server, brokers, second };
  } catch (error) {
    await first.server.close();
    throw error;
  }
}

function recipe(node: Node): Recipe {
  const { security } = node;
  const scram = security ? ['--add-scram', `SCRAM-SHA-512=[name=${security.user},password=${security.password}]`] : [];
  return {
    name: 'Kafka',
    errorCode: 'DQ_KAFKA_UNREACHABLE',
    portsCount: security ? 3 : 2,
    stopSignal: 'SIGTERM',
    reapSignal: 'KILL',
    prepare: async (place) => {
      await writeFile(settingsFile(place), settings(place, node));
      if (existsSync(path.join(place.dir, 'log', 'meta.properties'))) return;
      const format = ['kafka.tools.StorageTool', 'format', '-t', node.clusterId, '-c', settingsFile(place), ...scram];
      await runToEnd(java(['-XX:TieredStopAtLevel=1'], format), place.dir);
    },
    command: (place) => java(['-Xms256m', '-Xmx1g'], ['kafka.Kafka', settingsFile(place)]),
    isReady: (place) => answersApiVersions(place.ports[0] ?? 0),
  };
}

/** A program of Kafka's jars, with options for its machine before it. */
export function java(machine: readonly string[], program: readonly string[]): Command {
  // Without a settings file log4j writes to stdout, from this level on: enough to say why a server ended.
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

function settings({ dir, ports: [port, controllerPort, securePort] }: Place, { security, controller }: Node): string {
  const controllerListener = controller === null ? `,CONTROLLER://127.0.0.1:${controllerPort}` : '';
  const secureListener = security ? `,SECURE://127.0.0.1:${securePort}` : '';
  const secureAddress = security ? `,SECURE://localhost:${securePort}` : '';
  return Object.entries({
    'process.roles': controller === null ? 'broker,controller' : 'broker',
    'node.id': controller === null ? 1 : 2,
    'controller.quorum.voters': `1@${controller ?? `127.0.0.1:${controllerPort}`}`,
    listeners: `PLAINTEXT://127.0.0.1:${port}${controllerListener}${secureListener}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}${secureAddress}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL',
    ...(security && securitySettings(security)),
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

function securitySettings({ keyStore, user, password }: BrokerSecurity): Record<string, string> {
  const login = (module: string, users = '') => `org.apache.kafka.common.security.${module} required${users};`;
  return {
    'listener.name.secure.ssl.keystore.type': 'PEM',
    'listener.name.secure.ssl.keystore.location': keyStore,
    'listener.name.secure.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-512',
    'listener.name.secure.plain.sasl.jaas.config': login('plain.PlainLoginModule', ` user_${user}="${password}"`),
    'listener.name.secure.scram-sha-512.sasl.jaas.config': login('scram.ScramLoginModule'),
  };
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
