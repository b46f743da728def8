import semver from 'semver';

/** May the later version break with the earlier one, by semantic versioning? A new major one may, and before 1.0.0 a new minor one. */
export function mayBreakBetween(earlier: string, later: string): boolean {
  if (semver.major(earlier) !== semver.major(later)) return true;
  return semver.major(later) === 0 && semver.minor(earlier) !== semver.minor(later);
}
