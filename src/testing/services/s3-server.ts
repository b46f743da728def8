import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { weedProgram } from './programs.ts';
import { openServer, type Place, type Recipe, type Server, type ServerOptions } from './server.ts';
import type { S3Address } from './service.ts';

export interface S3Server extends S3Address {
  readonly server: Server;
}

/** SeaweedFS: master, volume server, filer and S3 gateway in one process. */
export async function openS3(options: ServerOptions = {}): Promise<S3Server> {
  const { server, place } = await openServer(seaweedfs, options);
  return { server, endpoint: `http://127.0.0.1:${portsOf(place).s3}`, ...credentials(place), region: 'us-east-1' };
}

const portNames = ['master', 'masterGrpc', 'volume', 'volumeGrpc', 'filer', 'filerGrpc', 's3', 's3Grpc'] as const;

const seaweedfs: Recipe = {
  name: 'SeaweedFS',
  errorCode: 'DQ_STORAGE_UNREACHABLE',
  portsCount: portNames.length,
  stopSignal: 'SIGTERM',
  reapSignal: 'KILL',
  prepare: async (place) => {
    await mkdir(path.join(place.dir, 'objects'), { recursive: true });
    if (existsSync(identityFile(place))) return;
    const keys = { accessKey: randomBytes(10).toString('hex'), secretKey: randomBytes(20).toString('hex') };
    const identity = { name: 'dataquarantine', credentials: [keys], actions: ['Admin', 'Read', 'Write', 'List', 'Tagging'] };
    await writeFile(identityFile(place), JSON.stringify({ identities: [identity] }), { mode: 0o600 });
  },
  command: (place) => ({ file: weedProgram(), args: ['-logtostderr=true', 'server', ...switches(place)] }),
  isReady: async (place) => (await hasVolumeServer(portsOf(place).master)) && (await answers(portsOf(place).s3)),
  litter: (place) => {
    const { masterGrpc, volumeGrpc, filerGrpc, s3Grpc } = portsOf(place);
    const sockets = { master: masterGrpc, volume: volumeGrpc, filer: filerGrpc, s3: s3Grpc };
    return Object.entries(sockets).map(([part, port]) => `/tmp/seaweedfs-${part}-grpc-${port}.sock`);
  },
};

function switches(place: Place): string[] {
  const ports = portsOf(place);
  return [
    `-dir=${path.join(place.dir, 'objects')}`,
    '-ip=127.0.0.1',
    '-ip.bind=127.0.0.1',
    `-master.port=${ports.master}`,
    `-master.port.grpc=${ports.masterGrpc}`,
    '-master.telemetry=false',
    `-volume.port=${ports.volume}`,
    `-volume.port.grpc=${ports.volumeGrpc}`,
    // Every bucket takes volumes of its own, so many small ones leave room for the buckets of many tests.
    '-master.volumeSizeLimitMB=256',
    '-volume.max=4096',
    '-volume.preStopSeconds=0',
    `-filer.port=${ports.filer}`,
    `-filer.port.grpc=${ports.filerGrpc}`,
    `-filer.localSocket=${path.join(place.dir, 'filer.sock')}`,
    '-s3',
    `-s3.port=${ports.s3}`,
    `-s3.port.grpc=${ports.s3Grpc}`,
    `-s3.localSocket=${path.join(place.dir, 's3.sock')}`,
    '-s3.port.iceberg=0',
    '-s3.port.lance=0',
    `-s3.config=${identityFile(place)}`,
    // A missing bucket must be refused, as a real store does.
    '-s3.autoCreateBucket=false',
  ];
}

function portsOf(place: Place): Record<(typeof portNames)[number], number> {
  return Object.fromEntries(portNames.map((name, index) => [name, place.ports[index] ?? 0])) as Record<(typeof portNames)[number], number>;
}

function identityFile(place: Place): string {
  return path.join(place.dir, 's3.json');
}

function credentials(place: Place): { accessKeyId: string; secretAccessKey: string } {
  const { identities } = JSON.parse(readFileSync(identityFile(place), 'utf8')) as {
    identities: [{ credentials: [{ accessKey: string; secretKey: string }] }];
  };
  const [{ accessKey, secretKey }] = identities[0].credentials;
  return { accessKeyId: accessKey, secretAccessKey: secretKey };
}

/** The gateway answers before anything can be stored: that takes a volume server known to the master. */
async function hasVolumeServer(masterPort: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${masterPort}/dir/status`, { signal: AbortSignal.timeout(2000) });
    const status = (await response.json()) as { Topology?: { Max?: number } };
    return (status.Topology?.Max ?? 0) > 0;
  } catch {
    return false;
  }
}

async function answers(s3Port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${s3Port}/healthz`, { signal: AbortSignal.timeout(2000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
