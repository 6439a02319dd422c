/**
 * What the registry hears of one device, from before its push on: what it ran, and, when it has accepted the image, what it
 * comes back with (`boot-watch.ts`). Opens no sockets of its own.
 */

import { isAddress } from '../../model/address.ts';
import type { Announcement, DeviceRef } from '../../model/announcement.ts';
import { cancelled } from '../../model/errors.ts';
import type { Device, Target } from '../../model/types.ts';
import type { Verification } from '../../model/verification.ts';
import { withoutUndefined } from '../../model/without-undefined.ts';
import { sumsOfImage } from '../../image/running-sums.ts';
import { matchesOf, refOf } from '../../network/match.ts';
import { openRegistry, type Registry, type Subscription } from '../../network/registry.ts';
import { ownAfter, ownAmong, saidIn } from '../../network/said.ts';
import {
  awayQuestions,
  bootWatchWakeAtMs,
  onBootWatchInput,
  startBootWatch,
  type BootWatchInput,
} from './boot-watch.ts';
import type { BeforePush, Proof, ProofContext } from './proof.ts';

type Place = Pick<Target, 'address' | 'port'>;

export interface DeviceWatch {
  /** What is known of it by now. */
  before(place: Place): BeforePush;
  /** Asks it, at that address and by multicast. */
  ask(place: Place): void;
  /** Has it asked for until that is closed, so that it is known where it is and that it is there; `address`: by now. */
  follow(address: () => string): Pick<Subscription, 'close'>;
  /** Whether it was heard since then. */
  isHeardSince(place: Place, sinceMs: number): boolean;
  /** Where it is, by what was heard since then. */
  addressSince(place: Place, sinceMs: number): string;
  /** Whether a question can reach it there: a responder answers none from beyond its own subnet (protocol.md). */
  isNear(place: Place): boolean;
  /** By what it announces of itself, or, where that is nothing, by its return. */
  readonly proof: Proof;
  close(): void;
}

const followPauseMs = 2000;

/** @throws `CONFIG_INVALID` for an interface that does not exist */
export function watchDevice(device: Device): DeviceWatch {
  const registry = openRegistry({ interfaces: device.interfaces });
  const ref = refOf(device);
  const ownIn = (heard: readonly Announcement[], place: Place): Announcement | undefined =>
    ownAmong(matchesOf({ ...ref, hosts: [...ref.hosts, place.address] }, heard), place);
  const ownSince = (place: Place, sinceMs: number): Announcement | undefined =>
    ownIn(
      registry.snapshot().filter(({ heardAtMs }) => heardAtMs > sinceMs),
      place,
    );
  return {
    before: (place) => beforeOf(ownIn(registry.snapshot(), place), device),
    ask: (place) => {
      registry.ask({ at: place.address });
      // Of several programs of one host that answer at that port, one alone gets what is sent to it.
      registry.ask('all');
    },
    // Who is known by an address alone is heard among all.
    follow: (address) => {
      const subscription = registry.watch(ref.hosts.every(isAddress) ? 'all' : ref, () => {});
      // Where multicast is filtered, only this gets through.
      const timer = setInterval(() => registry.ask({ at: address() }), followPauseMs);
      const close = (): void => {
        clearInterval(timer);
        subscription.close();
      };
      return { close };
    },
    isHeardSince: (place, sinceMs) => ownSince(place, sinceMs) !== undefined,
    addressSince: (place, sinceMs) => ownSince(place, sinceMs)?.addresses[0] ?? place.address,
    isNear: ({ address }) => registry.here().onLink(address),
    proof: {
      name: 'announce',
      offered: ({ md5 }) => md5 !== undefined,
      wait: (context, signal) => waitForBoot(registry, context, signal),
    },
    close: () => registry.close(),
  };
}

function beforeOf(announcement: Announcement | undefined, device: Pick<Device, 'platform'>): BeforePush {
  if (announcement === undefined) return {};
  const { md5, run, boot, isDescribed } = saidIn(announcement);
  // An RP2040 says it in a second text (protocol.md): the first one alone tells nothing of it.
  const isWhole = isDescribed && (announcement.platform ?? device.platform) !== 'rp2040';
  return {
    announcement,
    ...withoutUndefined({ md5, run, boot }),
    ...(md5 === undefined && isWhole && { isSilent: true }),
  };
}

/** By which it is known again: by its name, wherever it comes back; by its address where it has no name. */
function refAfter(device: Device, { announcement }: BeforePush): DeviceRef {
  if (announcement === undefined || !isAddress(device.host)) return refOf(device);
  return { name: device.name, hosts: [announcement.host] };
}

/** Times are from the accepted image on. */
function waitForBoot(registry: Registry, context: ProofContext, signal: AbortSignal): Promise<Verification> {
  const { device, target, image, before, acceptedAtMs, timeoutMs, knowsSum } = context;
  const ref = refAfter(device, before);
  const isNamed = ref.hosts.some((host) => !isAddress(host));
  // Who is known by an address alone is heard among all.
  const who = isNamed ? ref : 'all';
  const nowMs = (): number => performance.now() - acceptedAtMs;
  const named = matchesOf(ref, registry.snapshot());
  const own = before.announcement === undefined ? undefined : ownAmong(named, target);
  const twins = own === undefined ? [] : named.filter((each) => each !== own);
  let sums: ReadonlySet<string> | undefined;
  const runningSums = (): ReadonlySet<string> => (sums ??= sumsOfImage(image, target.platform));
  let watch = startBootWatch({
    before,
    wasAnnounced: before.announcement !== undefined,
    wasDescribed: before.announcement !== undefined && saidIn(before.announcement).isDescribed,
    isFilesystem: image.kind === 'filesystem',
    isNear: registry.here().onLink(target.address),
    fits: (md5) => runningSums().has(md5),
    isKnown: knowsSum,
    timeoutMs,
  });
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    let subscription: Subscription | undefined;
    let again: Subscription | undefined;
    let lastHeardAtMs = acceptedAtMs;
    const end = (): void => {
      clearTimeout(timer);
      subscription?.close();
      again?.close();
      signal.removeEventListener('abort', abort);
    };
    const abort = (): void => {
      end();
      reject(cancelled(signal));
    };
    const take = (input: BootWatchInput): void => {
      if (watch.verdict !== undefined) return;
      const step = onBootWatchInput(watch, input, nowMs());
      watch = step.watch;
      if (watch.verdict !== undefined) {
        end();
        return resolve(watch.verdict);
      }
      // What is multicast the subscription asks for; where multicast is filtered, only this gets through.
      if (step.ask) registry.ask({ at: context.address(), ...(isNamed ? { about: ref } : {}) });
      // And where a question to it alone does not get through, it is not away: all are asked anew, at short intervals.
      if (step.ask && watch.unanswered.count === awayQuestions) {
        again?.close();
        again = registry.watch(who, () => {});
      }
      clearTimeout(timer);
      timer = setTimeout(() => take({ type: 'time' }), Math.max(1, bootWatchWakeAtMs(watch) - nowMs()));
    };
    const look = (): void => {
      const heard = (subscription?.announcements() ?? []).filter((each) => each.heardAtMs > acceptedAtMs);
      const now = ownAfter(matchesOf(ref, heard), target, { run: before.run, twins });
      if (now === undefined || now.heardAtMs <= lastHeardAtMs) return;
      lastHeardAtMs = now.heardAtMs;
      take({ type: 'heard', said: saidIn(now) });
    };
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort);
    subscription = registry.watch(who, look);
    take({ type: 'time' });
    // The sums cost some milliseconds: they are at hand when the device is back.
    if (image.kind === 'firmware') setImmediate(runningSums);
  });
}
