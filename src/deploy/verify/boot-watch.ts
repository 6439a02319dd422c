/**
 * What is heard of a device after it has accepted an image, and what that proves. Pure: what was heard and the time go in
 * (milliseconds since the image was accepted), the next state comes out; `verdict` ends it.
 *
 *   waiting ── a new boot is heard ──▶ its sum is that of the image ────────────▶ verified
 *     │  ▲                             its sum is one from before ─────────────▶ old-image
 *     │  │                             it says nothing of itself, or its last
 *     │  └──── it goes again ───────── boot crashed: it has to stay a while ──▶ returned, verified
 *     │                                it comes again, and again ─────────────▶ crash-loop
 *     └─ the time is over ────────────────────────────────────────────────────▶ gone, unproven, old-image (it never restarted)
 *
 * A sum that fits verifies at once: whether that sketch crashes a minute later is not what a push waits for. But a device
 * says why it started: where its last boot ended in a crash, the sketch that fits has crashed already, and has to stay
 * `steadyMs` before it counts. So a sketch that crashes at its start is seen as such, and a good one costs no time.
 */

import type { Verification } from '../../model/verification.ts';
import type { Said } from './said.ts';

export interface BootWatchSettings {
  readonly before: { readonly md5?: string | undefined; readonly run?: string | undefined };
  /** Whether it was announced before the push. */
  readonly wasAnnounced: boolean;
  /** Whether it is known what the sketch before said of itself, if anything. */
  readonly wasDescribed: boolean;
  /** A file system leaves the sketch as it is: it is proven by no sum. */
  readonly isFilesystem: boolean;
  /** Whether the image shows as this sum once it runs. */
  readonly fits: (md5: string) => boolean;
  /** Whether the device was given an image of this sum earlier. */
  readonly isKnown: (md5: string) => boolean;
  readonly timeoutMs: number;
}

interface Boot {
  readonly atMs: number;
  readonly said: Said;
}

export interface BootWatch {
  readonly settings: BootWatchSettings;
  /** Since the push. */
  readonly boots: readonly Boot[];
  /** Boot marks that are no news: that from before, and those of `boots`. */
  readonly runs: readonly string[];
  /** Whether the sketch before said its boot mark. */
  readonly hadRun: boolean;
  readonly lastHeardAtMs: number;
  /** Questions since it was heard last, and when the first of them went out. */
  readonly unanswered: { readonly count: number; readonly sinceMs: number };
  /** What it comes to where the device stays; from when on it has. */
  readonly pending?: { readonly verdict: Verification; readonly sinceMs: number } | undefined;
  readonly nextAskAtMs: number;
  readonly verdict?: Verification;
}

export type BootWatchInput =
  /** Something of the device's own was heard. */
  { readonly type: 'heard'; readonly said: Said } | { readonly type: 'time' };

/** An ESP32 answers for some 110 ms after it has said `OK` (protocol.md), with what it said before. */
const oldBootMs = 300;
const firstAskMs = 300;
const shortestPauseMs = 500;
/** It was away where it left so many questions unanswered, for so long: a radio loses one now and then. */
const awayQuestions = 2;
const awayMs = 1000;
/** So long it has to stay where a boot alone proves little. */
export const steadyMs = 5000;
/** Boots that are a loop, without and with a reset reason that is a crash. */
const loopBoots = 3;
const crashBoots = 2;

export function startBootWatch(settings: BootWatchSettings): BootWatch {
  const { run } = settings.before;
  return {
    settings,
    boots: [],
    runs: run === undefined ? [] : [run],
    hadRun: run !== undefined,
    lastHeardAtMs: -Infinity,
    unanswered: { count: 0, sinceMs: Infinity },
    nextAskAtMs: firstAskMs,
  };
}

/** `ask`: the device is to be asked now. */
export function onBootWatchInput(
  watch: BootWatch,
  input: BootWatchInput,
  nowMs: number,
): { readonly watch: BootWatch; readonly ask: boolean } {
  if (watch.verdict !== undefined) return { watch, ask: false };
  const next = input.type === 'heard' ? onSaid(watch, input.said, nowMs) : watch;
  return onTime(next, nowMs);
}

/** When there is something to do without anything being heard. */
export function bootWatchWakeAtMs({ verdict, nextAskAtMs, pending, settings }: BootWatch): number {
  if (verdict !== undefined) return Infinity;
  const steadyAtMs = pending === undefined ? Infinity : pending.sinceMs + steadyMs;
  return Math.min(nextAskAtMs, steadyAtMs, settings.timeoutMs);
}

/** A device boots within 1 to 10 s, mostly; whoever takes longer is asked less often, and announces itself anyway. */
function pauseMs({ pending }: BootWatch, nowMs: number): number {
  if (pending !== undefined || nowMs < 8000) return shortestPauseMs;
  return nowMs < 20_000 ? 1000 : Math.min(5000, nowMs / 10);
}

const isAway = ({ unanswered }: BootWatch, nowMs: number): boolean =>
  unanswered.count >= awayQuestions && nowMs - unanswered.sinceMs >= awayMs;

function onSaid(watch: BootWatch, said: Said, nowMs: number): BootWatch {
  const wasAway = isAway(watch, nowMs);
  const heard: BootWatch = {
    ...watch,
    lastHeardAtMs: nowMs,
    unanswered: { count: 0, sinceMs: Infinity },
  };
  const { run } = said;
  const last = watch.boots.at(-1);
  if (run === undefined) {
    // Its text says no boot mark, where the sketch before said one: another sketch has started.
    const isOtherSketch = watch.hadRun && said.isDescribed && last === undefined && nowMs >= oldBootMs;
    return wasAway || isOtherSketch ? withBoot(heard, { atMs: nowMs, said }) : heard;
  }
  // Nothing is known of the boot before, and this is of it.
  if (!watch.hadRun && !watch.settings.wasDescribed && last === undefined && nowMs < oldBootMs) {
    return { ...heard, runs: [...watch.runs, run], hadRun: true };
  }
  if (!watch.runs.includes(run)) {
    const known = { ...heard, runs: [...watch.runs, run] };
    // A first packet may say less than the next one.
    const isSameBoot = last !== undefined && last.said.run === undefined && !wasAway;
    return isSameBoot
      ? judged({ ...known, boots: [...watch.boots.slice(0, -1), { ...last, said }] }, nowMs)
      : withBoot(known, { atMs: nowMs, said });
  }
  // A packet before has left out what this one says: it is the boot from before, still.
  if (last !== undefined && last.said.run === undefined && !wasAway) {
    return { ...heard, boots: watch.boots.slice(0, -1), pending: undefined };
  }
  const isMore = last?.said.run === run && last.said.md5 === undefined && said.md5 !== undefined;
  if (!isMore) return heard;
  return judged({ ...heard, boots: [...watch.boots.slice(0, -1), { ...last, said }] }, nowMs);
}

function withBoot(watch: BootWatch, boot: Boot): BootWatch {
  return judged({ ...watch, boots: [...watch.boots, boot] }, boot.atMs);
}

/** What the latest boot proves. */
function judged(watch: BootWatch, nowMs: number): BootWatch {
  const { settings, boots } = watch;
  const boot = boots.at(-1);
  if (boot === undefined) return watch;
  const { md5 } = boot.said;
  const hasCrashed = isCrash(boot.said.boot);
  if (boots.length >= (hasCrashed ? crashBoots : loopBoots)) return { ...watch, verdict: loopOf(boots) };
  const stays = (verdict: Verification): BootWatch => ({
    ...watch,
    pending: { verdict, sinceMs: nowMs },
    nextAskAtMs: Math.min(watch.nextAskAtMs, nowMs + shortestPauseMs),
  });
  const ends = (verdict: Verification): BootWatch => ({ ...watch, pending: undefined, verdict });
  const afterMs = boot.atMs;
  const returned = { type: 'returned', afterMs } as const;
  if (settings.isFilesystem) {
    return boot.said.run === undefined || hasCrashed ? stays(returned) : ends(returned);
  }
  if (md5 === undefined) return stays(returned);
  if (settings.fits(md5)) {
    const { version } = boot.said;
    const verified = {
      type: 'verified' as const,
      method: 'announce' as const,
      ...(version === undefined ? {} : { version }),
      afterMs,
    };
    return hasCrashed
      ? stays({
          ...verified,
          proof: `says so itself, after a crash at its start (${boot.said.boot ?? 'crash'})`,
        })
      : ends({ ...verified, proof: 'says so itself' });
  }
  if (md5 === settings.before.md5 || settings.isKnown(md5)) return ends(oldImage(boot));
  const unknown = { ...returned, reason: 'reports a sum that otarc does not know' };
  return hasCrashed ? stays(unknown) : ends(unknown);
}

function onTime(watch: BootWatch, nowMs: number): { readonly watch: BootWatch; readonly ask: boolean } {
  if (watch.verdict !== undefined) return { watch, ask: false };
  const { settings, nextAskAtMs } = watch;
  // One that has gone again does not stay.
  const pending = isAway(watch, nowMs) ? undefined : watch.pending;
  if (pending !== undefined && nowMs >= pending.sinceMs + steadyMs) {
    return { watch: { ...watch, verdict: pending.verdict }, ask: false };
  }
  if (nowMs >= settings.timeoutMs) {
    return { watch: { ...watch, verdict: pending?.verdict ?? verdictInVain(watch, nowMs) }, ask: false };
  }
  if (nowMs < nextAskAtMs) return { watch: { ...watch, pending }, ask: false };
  const { count, sinceMs } = watch.unanswered;
  const asked: BootWatch = {
    ...watch,
    pending,
    unanswered: { count: count + 1, sinceMs: count === 0 ? nowMs : sinceMs },
    nextAskAtMs: nowMs + pauseMs(watch, nowMs),
  };
  return { watch: asked, ask: true };
}

/** The time is over. */
function verdictInVain(watch: BootWatch, nowMs: number): Verification {
  const { settings, boots, lastHeardAtMs } = watch;
  const waitedMs = settings.timeoutMs;
  if (boots.length >= crashBoots) return loopOf(boots);
  if (boots.length > 0) return { type: 'gone', waitedMs, cameAtMs: boots[0]?.atMs ?? 0 };
  const isThere = lastHeardAtMs > oldBootMs && !isAway(watch, nowMs);
  if (isThere && settings.before.run !== undefined && !settings.isFilesystem) {
    return {
      type: 'old-image',
      method: 'announce',
      running: settings.before.md5 === undefined ? {} : { md5: settings.before.md5 },
      afterMs: waitedMs,
      hasRestarted: false,
    };
  }
  if (isThere) {
    const reason = 'it answers, but otarc did not see it restart';
    return { type: 'unproven', method: 'return', reason, waitedMs };
  }
  if (settings.wasAnnounced) return { type: 'gone', waitedMs };
  const reason = 'nothing was heard of it over mDNS';
  return { type: 'unproven', method: 'return', reason, waitedMs };
}

function oldImage({ atMs, said: { md5, version, boot } }: Boot): Verification {
  return {
    type: 'old-image',
    method: 'announce',
    running: { ...(md5 === undefined ? {} : { md5 }), ...(version === undefined ? {} : { version }) },
    ...(boot === undefined ? {} : { boot }),
    afterMs: atMs,
  };
}

function loopOf(boots: readonly Boot[]): Verification {
  const times = boots.map(({ atMs }) => atMs);
  const everyMs = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / Math.max(1, boots.length - 1);
  const boot = boots.findLast(({ said }) => isCrash(said.boot))?.said.boot ?? boots.at(-1)?.said.boot;
  return { type: 'crash-loop', everyMs, boots: boots.length, ...(boot === undefined ? {} : { boot }) };
}

/** `exception`, `watchdog`, `brownout` of `otarc.h`; and as the cores put it, for sketches that say it themselves. */
export function isCrash(boot: string | undefined): boolean {
  return boot !== undefined && /watchdog|wdt|exception|panic|brown|crash|fault/i.test(boot);
}
