export type ServiceName = 'kafka' | 'postgres' | 's3';

export const serviceNames: readonly ServiceName[] = ['kafka', 'postgres', 's3'];

/** Where an S3 server is and how to sign in. */
export interface S3Address {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
}

export interface Addresses {
  readonly kafka: { readonly brokers: string };
  readonly postgres: { readonly url: string };
  readonly s3: S3Address;
}

/** One service that answers, whoever runs it. `close` ends it only if we started it. */
export interface OpenService<Name extends ServiceName> {
  readonly address: Addresses[Name];
  /** In one line for a person: which server this is. */
  readonly took: string;
  /** Was it started for this caller alone? */
  readonly isOurs: boolean;
  close(): Promise<void>;
}

/** Closes those of the services that open, however many do not. */
export async function closeAll(opening: readonly Promise<OpenService<ServiceName>>[]): Promise<void> {
  const settled = await Promise.allSettled(opening);
  const open = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  await Promise.all(open.map((service) => service.close()));
}
