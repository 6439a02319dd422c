/** The devices that a run did not reach: how they get the image is reported, and otarc listens for them. */

import type { Device } from '../model/types.ts';
import { missedText } from './log.ts';
import { awaitDeviceBack, type Browse } from './return.ts';

export interface Missed {
  tell(names: readonly string[]): void;
  /** Until `stop`, or one of them is here. `atOnce`: it may be so already. */
  listenFor(names: readonly string[], atOnce: boolean): void;
  stop(): void;
}

export interface MissedOptions {
  /** Undefined: nobody can be listened for. */
  readonly browse: Browse | undefined;
  /** Those that are meant now. */
  readonly devices: () => readonly Pick<Device, 'name' | 'host' | 'port' | 'interfaces'>[];
  readonly inform: (message: string) => void;
  readonly onBack: () => void;
}

export function createMissed({ browse, devices, inform, onBack }: MissedOptions): Missed {
  let listening = new AbortController();
  const named = (names: readonly string[]) => devices().filter(({ name }) => names.includes(name));
  return {
    tell(names) {
      const waiting = named(names).map(({ name }) => name);
      if (waiting.length > 0) inform(missedText(waiting, { isListening: browse !== undefined }));
    },
    listenFor(names, atOnce) {
      const waiting = named(names);
      if (browse === undefined || waiting.length === 0) return;
      listening = new AbortController();
      const { signal } = listening;
      void awaitDeviceBack(waiting, { browse, signal, atOnce }).then((isBack) => {
        if (isBack) onBack();
      });
    },
    stop: () => listening.abort(),
  };
}
