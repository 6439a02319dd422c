/** What comes of a transfer, one thing after the other. */

/** What the device does, on the device's own time; what it prints reaches the host half a round trip later. */
export type Emission = { readonly atMs: number } & (
  | { readonly type: 'count'; readonly bytes: number }
  | { readonly type: 'sector-written'; readonly writtenBytes: number }
  | { readonly type: 'halted' }
  | { readonly type: 'write-failed' }
  | { readonly type: 'complete' }
  | { readonly type: 'gave-up' }
  | { readonly type: 'end-of-stream' }
  | { readonly type: 'reset' }
);
