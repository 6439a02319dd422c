/**
 * A hook ends with the build tool that started it, a watch with whoever reads it. Not in the midst of what a device would
 * be left half-written by: a file system; and a watch, which nobody has interrupted, finishes any push.
 */

import { OtaError } from '../../model/errors.ts';
import type { DeployEvent } from '../../model/events.ts';
import type { ImageKind } from '../../model/types.ts';
import type { Io } from './io.ts';

export interface Following {
  /** That of the command, aborted as well when it is to end. */
  readonly signal: AbortSignal;
  /** Every event of the run, before it is printed. */
  saw(event: DeployEvent): void;
  stop(): void;
}

export interface ListenerOptions {
  /** Kinds of image whose transfer is finished first. */
  readonly finishes: readonly ImageKind[];
  /**
   * Whether the process that started this one ends it as well. A hook is in a process group of its own (arduino-cli): Ctrl-C
   * ends the tool, and not the hook, which would meet a closed pipe at its next line only. On Windows the number of a parent
   * stays; there the pipe has to do.
   */
  readonly withParent: boolean;
}

const parentPollMs = 250;

export function followListener(
  { signal, outputLoss }: Pick<Io, 'signal' | 'outputLoss'>,
  { finishes, withParent }: ListenerOptions,
): Following {
  const controller = new AbortController();
  const onTheirWay = new Set<string>();
  let kind: ImageKind = 'firmware';
  let reason: OtaError | undefined;
  const endIfFree = (): void => {
    const isHeld = finishes.includes(kind) && onTheirWay.size > 0;
    if (reason !== undefined && !isHeld) controller.abort(reason);
  };
  const end = (words: string): void => {
    reason ??= new OtaError('CANCELLED', words);
    endIfFree();
  };
  outputLoss?.onLost(({ isReaderGone }) => {
    // A full disk says nothing about who has started this.
    if (isReaderGone) end('Nobody reads the output any more.');
  });
  const parent = process.ppid;
  const timer = withParent
    ? setInterval(() => {
        if (process.ppid !== parent) end('The build tool that started this hook has ended.');
      }, parentPollMs).unref()
    : undefined;
  return {
    signal: AbortSignal.any([signal, controller.signal]),
    saw(event) {
      const { device = '' } = event;
      switch (event.type) {
        case 'image-ready':
          kind = event.kind;
          return;
        case 'connected':
          onTheirWay.add(device);
          return;
        case 'verified':
        case 'unverified':
        case 'failed':
          onTheirWay.delete(device);
          return endIfFree();
      }
    },
    stop: () => clearInterval(timer),
  };
}
