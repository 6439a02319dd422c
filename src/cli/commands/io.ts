import type { OutputLoss } from '../output-loss.ts';

/** The outside world as a command sees it, handed in so that commands run in tests as they run in a shell. */
export interface Io {
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly env: NodeJS.ProcessEnv;
  /** Absolute. */
  readonly cwd: string;
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** Whether stdout and stderr can still be written; absent: nobody looks. */
  readonly outputLoss?: OutputLoss;
}

/** The same with other streams; stdin is opened by whoever reads it. */
export function withStreams(io: Io, { stdout, stderr }: Pick<Io, 'stdout' | 'stderr'>): Io {
  return {
    ...io,
    stdout,
    stderr,
    get stdin() {
      return io.stdin;
    },
  };
}
