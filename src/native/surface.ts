/** What the lane addon exports, in the order of cc/lane.cc. */
export interface LaneAddon {
  /** The version of the librdkafka that it is linked with. */
  version(): string;
}

/** What the judge addon exports, in the order of cc/judge.cc. */
export interface JudgeAddon {
  /** The version of simdjson. */
  version(): string;
}
