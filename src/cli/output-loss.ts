/**
 * Output that cannot be written any more: the disk is full, or its reader has gone. What a command does then is its own
 * affair (a push is finished); that the output is incomplete is said on the stream that is left.
 */

import { printLine } from './terminal/print.ts';

export interface LostStream {
  readonly stream: 'stdout' | 'stderr';
  /** Its reader has gone (`| head`, a build tool that was interrupted); else the system cannot store it. */
  readonly isReaderGone: boolean;
  /** `no space is left` */
  readonly reason: string;
}

export interface OutputLoss {
  /** In the order in which they were lost. */
  readonly lost: readonly LostStream[];
  /** At once for what is lost already. */
  onLost(listener: (lost: LostStream) => void): void;
}

interface Streams {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

/**
 * From now on no write to the streams fails: what comes after the first failure is dropped, so that whoever waits for room
 * in a stream does not wait for ever.
 */
export function watchOutput(streams: Streams): OutputLoss {
  const lost: LostStream[] = [];
  const listeners: ((lost: LostStream) => void)[] = [];
  for (const name of ['stdout', 'stderr'] as const) {
    const stream = streams[name];
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (lost.some((each) => each.stream === name)) return;
      stream.write = dropped;
      const each: LostStream = {
        stream: name,
        isReaderGone: isOfReader(error),
        reason: reasons[error.code ?? ''] ?? error.code ?? error.message,
      };
      lost.push(each);
      for (const listener of listeners) listener(each);
      stream.emit('drain');
    });
  }
  return {
    lost,
    onLost(listener) {
      listeners.push(listener);
      for (const each of lost) listener(each);
    },
  };
}

/** All that was written has been stored or has failed; a reader that does not read is not waited for. */
export async function settled({ stdout, stderr }: Streams): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, 200)));
  const all = [stdout, stderr].map(
    // A failure is reported right behind the callback.
    (stream) => new Promise<void>((resolve) => void stream.write('', () => setImmediate(resolve))),
  );
  await Promise.race([Promise.all(all), limit]);
  clearTimeout(timer);
}

/** For a person, on the stream that is left. `json`: there is no place for it on stdout. */
export function sayLoss({ lost }: OutputLoss, { stdout, stderr, json }: Streams & { json: boolean }): void {
  for (const each of lost) {
    if (each.stream === 'stdout') printLine(stderr, `warning: ${lossText(each)}`);
    else if (!json) printLine(stdout, `warning: ${lossText(each)}`);
  }
}

export const lossText = ({ stream, reason }: LostStream): string =>
  `${stream} is incomplete, as it cannot be written: ${reason}`;

const readerGone = ['EPIPE', 'ECONNRESET', 'EIO', 'ERR_STREAM_DESTROYED'];
const isOfReader = ({ code = '' }: NodeJS.ErrnoException): boolean => readerGone.includes(code);

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file would be too large',
  EPIPE: 'nobody reads it',
};

function dropped(...args: unknown[]): true {
  const done = args.at(-1);
  if (typeof done === 'function') process.nextTick(() => void Reflect.apply(done, undefined, []));
  return true;
}
