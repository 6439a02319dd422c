/**
 * Keys of the contract whose feature this version does not have, each with the values that ask for what it does anyway.
 * Whoever brings a feature deletes its row.
 */
export interface NotYet {
  /** `*` is any key. */
  readonly path: readonly string[];
  readonly asIs: readonly unknown[];
}

export const notYet: readonly NotYet[] = [
  { path: ['push', 'parallel'], asIs: [1] },
  { path: ['push', 'gzip'], asIs: [false] },
  { path: ['push', 'onFailure'], asIs: ['continue'] },
  { path: ['push', 'canary'], asIs: [0] },
  { path: ['push', 'retries'], asIs: [0] },
];
