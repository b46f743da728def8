/** What has to stay readable. Between two schemas the transitive modes ask what the plain ones do. */
export const compatibilityModes = [
  'backward',
  'backward_transitive',
  'forward',
  'forward_transitive',
  'full',
  'full_transitive',
  'none',
] as const;

export type CompatibilityMode = (typeof compatibilityModes)[number];
