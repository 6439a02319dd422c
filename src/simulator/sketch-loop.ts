/**
 * When a device looks at the datagrams that have come, and when it begins an update: what its sketch's `loop()`, which
 * calls `handle()` once a round, has to do with it.
 *
 * - ESP8266 and RP2040 take each datagram from the network callback, at once; only the update waits for `handle()`.
 * - On an ESP32 datagrams wait in lwIP's mailbox, and `handle()` takes one a round.
 * - `handle()` does not return during an update; the same call then goes on with the mailbox.
 *
 * Only those rounds are computed in which there is something to do: a device that waits needs no timer.
 */

import type { Datagram } from './air.ts';
import type { Timeline } from './timeline.ts';

export interface SketchLoop {
  /** False: there is no room for it. */
  arrive(datagram: Datagram): boolean;
  /** Until then the device computes, and takes nothing. */
  wait(computed: Promise<void>): void;
  /** The first `handle()` after `atMs` begins with `update`, and does not return before `resume`. */
  begin(update: (atMs: number) => void, atMs: number): void;
  /** `handle()` goes on, in the middle of its round. The rounds count from there. */
  resume(atMs: number): void;
  /** What waits is gone, as with a restart. */
  clear(): void;
}

export interface SketchLoopOptions {
  readonly timeline: Timeline;
  /** What else the sketch does in a round; with 0 there is always a round. */
  readonly loopMs: number;
  /** Room in the mailbox; 0: there is none, and the network callback takes them. */
  readonly queuedDatagrams: number;
  /** Called with the datagram and the time at which the device looks at it as its `atMs`. */
  readonly take: (datagram: Datagram) => void;
}

export function createSketchLoop(options: SketchLoopOptions): SketchLoop {
  const { timeline, loopMs, queuedDatagrams, take } = options;
  const hasMailbox = queuedDatagrams > 0;
  let waiting: Datagram[] = [];
  let update: ((atMs: number) => void) | undefined;
  let lastRoundMs = timeline.now();
  let isRoundAsked = false;
  let isInRound = false;
  let isUpdating = false;
  let isComputing = false;

  const handle = (atMs: number): void => {
    isRoundAsked = false;
    lastRoundMs = atMs;
    isInRound = true;
    if (update !== undefined) {
      const begun = update;
      update = undefined;
      isUpdating = true;
      begun(atMs);
    } else if (hasMailbox && !isComputing) {
      const datagram = waiting.shift();
      if (datagram !== undefined) take({ ...datagram, atMs: Math.max(atMs, datagram.atMs) });
    }
    isInRound = false;
    askAgain(atMs);
  };
  const askAgain = (atMs: number): void => {
    if (update !== undefined || (hasMailbox && waiting.length > 0 && !isComputing)) askForRound(atMs);
  };
  const askForRound = (afterMs: number): void => {
    if (isRoundAsked || isUpdating || isInRound) return;
    if (loopMs === 0 && afterMs > lastRoundMs) return handle(afterMs);
    isRoundAsked = true;
    const rounds = loopMs === 0 ? 0 : Math.floor((afterMs - lastRoundMs) / loopMs) + 1;
    timeline.at(lastRoundMs + rounds * loopMs, handle);
  };
  const takeAll = (): void => {
    while (!isComputing) {
      const datagram = waiting.shift();
      if (datagram === undefined) return;
      take(datagram);
    }
  };

  return {
    arrive(datagram) {
      if (hasMailbox && waiting.length >= queuedDatagrams) return false;
      waiting.push(datagram);
      if (hasMailbox) askAgain(datagram.atMs);
      else takeAll();
      return true;
    },
    wait(computed) {
      isComputing = true;
      void computed.finally(() => {
        isComputing = false;
        if (hasMailbox) askAgain(timeline.now());
        else takeAll();
      });
    },
    begin(begun, atMs) {
      update = begun;
      askAgain(atMs);
    },
    resume(atMs) {
      isUpdating = false;
      handle(atMs);
    },
    clear() {
      waiting = [];
    },
  };
}
