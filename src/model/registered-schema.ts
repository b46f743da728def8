/** A schema that another one refers to by `name`, as a schema registry lists it. */
export interface SchemaLink {
  readonly name: string;
  readonly subject: string;
  readonly version: number;
}

/** A schema as a Confluent-compatible registry keeps it, under an id of its own: equal texts of two subjects have one id. */
export interface RegisteredText {
  /** `JSON`, or another kind that nobody here can read. */
  readonly type: string;
  readonly text: string;
  readonly references: readonly SchemaLink[];
}

/** One version of a subject. */
export interface RegisteredVersion extends RegisteredText {
  readonly id: number;
  readonly subject: string;
  readonly version: number;
}

/**
 * A registry of schemas on another machine. Null says that the registry answered and does not have it; whatever keeps it from
 * answering is thrown as `DQ_SCHEMA_REGISTRY_UNREACHABLE` (may pass), `DQ_SCHEMA_REGISTRY_REFUSED` (until its rights or ours are mended) or
 * `DQ_SCHEMA_REGISTRY_STRANGE` (what answers there is another server, for now at least).
 */
export interface SchemaSource {
  subjects(): Promise<readonly string[]>;
  versions(subject: string): Promise<readonly number[] | null>;
  version(subject: string, version: number): Promise<RegisteredVersion | null>;
  byId(id: number): Promise<RegisteredText | null>;
  /** The subjects and versions that have the schema of an id; empty where all of them were deleted. */
  versionsOf(id: number): Promise<readonly Pick<RegisteredVersion, 'subject' | 'version'>[]>;
}
