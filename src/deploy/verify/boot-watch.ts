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
 *
 * Silence says that it is away only where it can hear the question: a responder answers none from beyond its own subnet, and
 * some network between may let its announcements through alone. Whoever says no boot mark may have been there all the time:
 * its returns make no loop.
 */

import type { Verification } from '../../model/verification.ts';
import type { Said } from '../../network/said.ts';

export interface BootWatchSettings {
  readonly before: { readonly md5?: string | undefined; readonly run?: string | undefined };
  /** Whether it was announced before the push. */
  readonly wasAnnounced: boolean;
  /** Whether it is known what the sketch before said of itself, if anything. */
  readonly wasDescribed: boolean;
  /** A file system leaves the sketch as it is: it is proven by no sum. */
  readonly isFilesystem: boolean;
  /** Whether a question by unicast can reach it. */
  readonly isNear: boolean;
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
  /** Questions since it was heard last, and when the first and the latest of them went out. */
  readonly unanswered: { readonly count: number; readonly sinceMs: number; readonly lastAtMs: number };
  /** Questions one after the other that were followed by a word of it: a single one may have come by itself. */
  readonly answered: number;
  /** What it comes to where the device stays; from when on it has. */
  readonly pending?: { readonly verdict: Verification; readonly sinceMs: number } | undefined;
  readonly nextAskAtMs: number;
  readonly verdict?: Verification;
}

export type BootWatchInput =
  /** Something of the device's own was heard. */
  { readonly type: 'heard'; readonly said: Said } | { readonly type: 'time' };

/** An ESP32 answers for some 110 ms after it has said `OK` (protocol.md), with what it said before. */
export const oldBootMs = 300;
const firstAskMs = 300;
const shortestPauseMs = 500;
/** It was away where it left so many questions unanswered, for so long: a radio may lose one. */
export const awayQuestions = 2;
const awayMs = 1000;
/** It answers questions where it was heard after so many of them in turn: an announcement is repeated each second. */
const answersInTurn = 2;
/** So long an answer may take. */
const answerMs = 250;
const noneUnanswered: BootWatch['unanswered'] = { count: 0, sinceMs: Infinity, lastAtMs: Infinity };
/** So long it has to stay where a boot alone proves little. */
export const steadyMs = 5000;
/** Boots that are a loop, without and with a reset reason that is a crash. */
const loopBoots = 3;
const crashBoots = 2;

/** Where its responder cannot be asked. */
export const cureBeyond = 'Set `verify.http` in .otarc: a URL of the device that says which sketch runs.';

export function startBootWatch(settings: BootWatchSettings): BootWatch {
  const { run } = settings.before;
  return {
    settings,
    boots: [],
    runs: run === undefined ? [] : [run],
    hadRun: run !== undefined,
    lastHeardAtMs: -Infinity,
    unanswered: noneUnanswered,
    answered: 0,
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
export function bootWatchWakeAtMs({ verdict, nextAskAtMs, settings }: BootWatch): number {
  return verdict === undefined ? Math.min(nextAskAtMs, settings.timeoutMs) : Infinity;
}

/** A device boots within 1 to 10 s, mostly; whoever takes longer is asked less often, and announces itself anyway. */
function askAfterMs({ pending }: BootWatch, nowMs: number): number {
  const steadyAtMs = pending === undefined ? -Infinity : pending.sinceMs + steadyMs;
  if (nowMs < steadyAtMs) return Math.min(nowMs + shortestPauseMs, steadyAtMs);
  if (nowMs < 8000) return nowMs + shortestPauseMs;
  return nowMs + (nowMs < 20_000 ? 1000 : Math.min(5000, nowMs / 10));
}

/** Before its first boot nobody knows whether it answers: one that restarts at once has had no time to. */
function isAway({ settings, boots, unanswered, answered }: BootWatch, nowMs: number): boolean {
  const wouldAnswer = settings.isNear && (boots.length === 0 || answered >= answersInTurn);
  const { count, sinceMs, lastAtMs } = unanswered;
  const isLastOpen = nowMs - lastAtMs < answerMs;
  return wouldAnswer && (isLastOpen ? count - 1 : count) >= awayQuestions && nowMs - sinceMs >= awayMs;
}

function onSaid(watch: BootWatch, said: Said, nowMs: number): BootWatch {
  const wasAway = isAway(watch, nowMs);
  const { count } = watch.unanswered;
  const heard: BootWatch = {
    ...watch,
    lastHeardAtMs: nowMs,
    unanswered: noneUnanswered,
    // Once it is known, it stays known.
    answered:
      count === 0 || watch.answered >= answersInTurn ? watch.answered : count === 1 ? watch.answered + 1 : 0,
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
  const marked = markedOf(boots);
  if (boot.said.run !== undefined && marked.length >= (hasCrashed ? crashBoots : loopBoots))
    return { ...watch, verdict: loopOf(marked) };
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
  // One that has gone again does not stay, unless it is heard again of the same boot.
  const pending = isAway(watch, nowMs) ? undefined : watch.pending;
  if (pending !== undefined && hasStayed(watch, pending, nowMs)) {
    return { watch: { ...watch, verdict: pending.verdict }, ask: false };
  }
  if (nowMs >= settings.timeoutMs) {
    const verdict = pending === undefined ? verdictInVain(watch, nowMs) : unsure(pending.verdict);
    return { watch: { ...watch, verdict }, ask: false };
  }
  if (nowMs < nextAskAtMs) return { watch, ask: false };
  const { count, sinceMs } = watch.unanswered;
  const asked: BootWatch = {
    ...watch,
    unanswered: { count: count + 1, sinceMs: count === 0 ? nowMs : sinceMs, lastAtMs: nowMs },
    nextAskAtMs: askAfterMs(watch, nowMs),
  };
  return { watch: asked, ask: true };
}

/** After a crash, that nothing says it has gone is not enough: it has to be heard. */
function hasStayed(
  { lastHeardAtMs }: BootWatch,
  { verdict, sinceMs }: NonNullable<BootWatch['pending']>,
  nowMs: number,
): boolean {
  const isHeard = verdict.type !== 'verified' || lastHeardAtMs >= sinceMs + steadyMs - awayMs;
  return nowMs >= sinceMs + steadyMs && isHeard;
}

/** It came, and nobody knows whether it stayed. */
function unsure(verdict: Verification): Verification {
  if (verdict.type !== 'verified') return verdict;
  const reason = 'says that it runs this image, after a crash at its start, and was not heard again';
  return { type: 'returned', afterMs: verdict.afterMs, reason };
}

/** The time is over. */
function verdictInVain(watch: BootWatch, nowMs: number): Verification {
  const { settings, boots, lastHeardAtMs } = watch;
  const waitedMs = settings.timeoutMs;
  const marked = markedOf(boots);
  if (marked.length >= crashBoots) return loopOf(marked);
  if (boots.length > 0) return { type: 'gone', waitedMs, cameAtMs: boots[0]?.atMs ?? 0 };
  // A device that cannot be asked still repeats its announcement.
  const isQuiet = settings.isNear ? isAway(watch, nowMs) : nowMs - lastHeardAtMs > waitedMs / 2;
  const isThere = lastHeardAtMs > oldBootMs && !isQuiet;
  if (isThere && settings.before.run !== undefined && !settings.isFilesystem) {
    return {
      type: 'old-image',
      method: 'announce',
      running: settings.before.md5 === undefined ? {} : { md5: settings.before.md5 },
      afterMs: waitedMs,
      hasRestarted: false,
    };
  }
  if (isThere && !settings.isNear) {
    const reason = 'it is announced, but from another network, where otarc cannot see it restart';
    return { type: 'unproven', method: 'return', reason, waitedMs, hint: cureBeyond };
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

const markedOf = (boots: readonly Boot[]): readonly Boot[] =>
  boots.filter(({ said }) => said.run !== undefined);

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
