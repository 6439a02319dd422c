/** The ports there are now: the devices of the configuration and those that announce themselves, kept up to date. */

import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { FoundDevice } from '../../model/announcement.ts';
import { messageOf } from '../../model/errors.ts';
import type { ConfigFollower } from './follow-config.ts';
import { type Port, portsOf } from './ports.ts';

/** Until then, what a device announces of its port is worth waiting for; a guess might be taken for the truth. */
const announcementMs = 300;
const lookAtFilesEveryMs = 2000;
const tryAgainMs = 5000;

export interface FindPortsOptions {
  readonly config: ConfigFollower;
  /** Ends it. */
  readonly signal: AbortSignal;
  readonly onProblem: (message: string) => void;
  /** `ports` may return others than before. */
  readonly onChange: () => void;
}

export interface PortFinder {
  ports(): readonly Port[];
  /** Resolves when the configuration was looked at again. */
  refresh(): Promise<void>;
}

export function findPorts({ config, signal, onProblem, onChange }: FindPortsOptions): PortFinder {
  let found: readonly FoundDevice[] = [];
  let isSettled = false;
  let restart = new AbortController();

  const settle = () => {
    isSettled = true;
    onChange();
  };
  const browseOnce = async (interfaces: readonly string[], over: AbortSignal) => {
    let settling: NodeJS.Timeout | undefined;
    found = [];
    try {
      const { browse } = await import('../browse.ts');
      settling = setTimeout(settle, announcementMs);
      await browse({
        interfaces,
        signal: over,
        onChange: (devices) => {
          found = devices;
          onChange();
        },
        onProblem: ({ message, isTotal }) => {
          onProblem(message);
          if (isTotal) settle();
        },
      });
    } catch (error) {
      onProblem(messageOf(error));
      settle();
    } finally {
      clearTimeout(settling);
    }
  };
  const wait = (ms: number) => pause(ms, undefined, { signal }).catch(() => undefined);
  const refresh = async () => {
    const before = config.known;
    if (!(await config.refresh()) || signal.aborted) return;
    if (!isDeepStrictEqual(before.interfaces, config.known.interfaces)) restart.abort();
    onChange();
  };
  const browseOn = async () => {
    await refresh();
    while (!signal.aborted) {
      restart = new AbortController();
      await browseOnce(config.known.interfaces, AbortSignal.any([signal, restart.signal]));
      if (!restart.signal.aborted) await wait(tryAgainMs);
    }
  };
  const lookOn = async () => {
    while (!signal.aborted) {
      await wait(lookAtFilesEveryMs);
      await refresh();
    }
  };

  void browseOn();
  void lookOn();
  return {
    refresh,
    ports: () =>
      portsOf({
        configured: config.known.devices,
        found,
        lastResort: isSettled ? config.known.platform : undefined,
      }),
  };
}
