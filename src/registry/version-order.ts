import semver from 'semver';

/** Is `version` that other one or a later one? What is no version is later than all: somebody should look at it. */
export function isAtLeast(version: string, other: string): boolean {
  return semver.valid(version) === null || semver.valid(other) === null || semver.gte(version, other);
}
