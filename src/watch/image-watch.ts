/**
 * Watches one image, whoever builds it, and gives each whole one.
 *
 * Whole is what parses: tools write an image twice into the same file, sign it afterwards, replace it by renaming, delete
 * it first, or remove its whole folder. Formats that do not say how long they are have to be quiet for a while as well.
 */

import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ImagePlace } from '../builders/image-place.ts';
import { cancelled, OtaError, type ErrorCode } from '../model/errors.ts';
import { readImage } from '../image/index.ts';
import type { Artifact, Image, Platform } from '../model/types.ts';
import { watchFiles, type FileProblem } from './files.ts';
import { isBelow } from './git-ignore.ts';

export interface ImageWatchOptions {
  readonly place: ImagePlace;
  readonly expectedPlatform?: Platform | undefined;
  readonly home: string;
  readonly poll: boolean;
  /** Wall-clock time: an image that was written after it counts as new. */
  readonly sinceMs: number;
  /** The image was written, or is being written. */
  readonly onTouched: () => void;
  /** Whether the image that was taken last is being pushed. */
  readonly isPushing: () => boolean;
  /** The build tool ran, and left the image as it was. */
  readonly onUntouchedBuild?: (() => void) | undefined;
  readonly onProblem: (problem: FileProblem) => void;
}

export interface Taken {
  readonly image: Image;
  readonly artifact: Artifact;
}

export interface ImageWatch {
  /** Whether there is an image, whole or not. */
  readonly isThere: boolean;
  /** Whether it was written since it was taken. */
  readonly isPending: boolean;
  /** Whether a build has had to do with it since it is watched. */
  readonly isNew: boolean;
  /**
   * The image, as soon as it is whole and at rest. Throws what is wrong with it when it has stayed so for a while, and
   * `CANCELLED`.
   */
  take(signal: AbortSignal): Promise<Taken>;
  close(): Promise<void>;
}

/** The folder may be made and filled in one go, and its first files be missed. */
const lookMs = 400;
const retryMs = 25;
/** A packer that has written all of it may have one more word to say. */
const restMs = 30;
const longestRestMs = 2_000;
/** For formats without length and digest: no writer pauses for so long. */
const quietMs = 500;
/** What is not whole by then was left so by a build that was ended. */
const stuckMs = 8_000;
/** The same for what looks like no image at all, or a damaged one, as it does while it is written from its end. */
const wrongMs = 2_000;
const unfinished: ReadonlySet<ErrorCode> = new Set(['IMAGE_INCOMPLETE', 'IMAGE_CHANGED', 'IMAGE_NOT_FOUND']);

export async function watchImage(options: ImageWatchOptions): Promise<ImageWatch> {
  const { place, expectedPlatform, onTouched, onUntouchedBuild } = options;
  let seen = await stampOf(place);
  let taken = seen.modifiedMs >= options.sinceMs ? '' : seen.text;
  let isNew = taken !== seen.text;
  let changedAtMs = -Infinity;
  let takenAtMs = -Infinity;
  /** Grows when an image that was taken as whole was written again shortly after. */
  let patienceMs = restMs;
  let wake = (): void => {};
  let untouchedTimer: NodeJS.Timeout | undefined;

  let looking: Promise<void> | undefined;
  let again = false;
  /** One at a time, and once more where something happened meanwhile. */
  const look = (): void => {
    again = true;
    looking ??= (async () => {
      while (again) {
        again = false;
        // A folder that cannot be looked at just now is looked at again.
        const now = await stampOf(place).catch(() => seen);
        if (now.text === seen.text) continue;
        seen = now;
        changedAtMs = performance.now();
        const gapMs = changedAtMs - takenAtMs;
        // Not where it was deleted first, or pushed already: that is another build.
        if (seen.text === '') takenAtMs = -Infinity;
        else if (gapMs < longestRestMs && options.isPushing())
          patienceMs = Math.min(longestRestMs, gapMs * 1.5 + restMs);
        if (seen.text === '' || seen.text === taken) continue;
        isNew = true;
        onTouched();
      }
      looking = undefined;
      wake();
    })();
  };

  const files = watchFiles({
    roots: [place.folder],
    isWatched: (path, isFolder) =>
      path === place.folder || isBelow(place.folder, path)
        ? isFolder
        : !isFolder && dirname(path) === place.folder && place.concerns(basename(path)),
    home: options.home,
    poll: options.poll,
    sinceMs: options.sinceMs,
    onChange: (path) => {
      look();
      if (onUntouchedBuild === undefined || !basename(path).startsWith('.sconsign')) return;
      const before = seen.text;
      clearTimeout(untouchedTimer);
      untouchedTimer = setTimeout(() => {
        if (seen.text !== before || seen.text !== taken) return;
        isNew = true;
        onUntouchedBuild();
      }, quietMs);
      untouchedTimer.unref();
    },
    // The build folder comes and goes; that is no problem here.
    onProblem: (problem) => (problem.type === 'vanished' ? undefined : options.onProblem(problem)),
  });
  const timer = setInterval(look, lookMs);
  timer.unref();
  if (isNew) queueMicrotask(onTouched);

  const nextLook = (withinMs: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(limit);
        signal.removeEventListener('abort', abort);
        wake = () => {};
        resolve();
      };
      const abort = (): void => {
        clearTimeout(limit);
        wake = () => {};
        reject(cancelled(signal));
      };
      const limit = setTimeout(done, withinMs);
      signal.addEventListener('abort', abort, { once: true });
      wake = done;
      if (signal.aborted) abort();
    });

  return {
    get isThere() {
      return seen.text !== '';
    },
    get isPending() {
      return seen.text !== '' && seen.text !== taken;
    },
    get isNew() {
      return isNew;
    },
    async take(signal) {
      const askedAtMs = performance.now();
      for (;;) {
        if (signal.aborted) throw cancelled(signal);
        const { text: before, artifact } = seen;
        try {
          if (artifact === undefined) throw missing(place);
          const image = await readImage(artifact, { signal, expectedPlatform });
          const wanted = saysItsLength(image) ? patienceMs : Math.max(patienceMs, quietMs);
          // What lay there at rest before anybody asked is at rest.
          while (seen.text === before && performance.now() - changedAtMs < wanted) {
            await sleep(Math.max(1, wanted - (performance.now() - changedAtMs)), undefined, { signal });
            look();
            await looking;
          }
          if (seen.text !== before) continue;
          if (performance.now() - takenAtMs > 2 * longestRestMs)
            patienceMs = Math.max(restMs, patienceMs / 2);
          taken = before;
          takenAtMs = performance.now();
          return { image, artifact };
        } catch (error) {
          if (signal.aborted) throw cancelled(signal);
          if (!(error instanceof OtaError)) throw error;
          const limitMs = unfinished.has(error.code) ? stuckMs : wrongMs;
          const calmMs = performance.now() - Math.max(changedAtMs, askedAtMs);
          if (calmMs > limitMs && seen.text === before) {
            taken = before;
            throw error;
          }
        }
        await nextLook(retryMs, signal);
      }
    },
    async close() {
      clearInterval(timer);
      clearTimeout(untouchedTimer);
      wake();
      await files.close();
    },
  };
}

interface Stamp {
  /** Differs after each writing; empty where there is no image. */
  readonly text: string;
  readonly artifact?: Artifact | undefined;
  readonly modifiedMs: number;
}

/** The image and the signed one beside it. */
async function stampOf(place: ImagePlace): Promise<Stamp> {
  const artifact = await place.find();
  if (artifact === undefined) return { text: '', modifiedMs: -Infinity };
  const [image, signed] = await Promise.all(
    [artifact.path, `${artifact.path}.signed`].map((path) =>
      stat(path, { bigint: true }).catch(() => undefined),
    ),
  );
  if (image === undefined) return { text: '', modifiedMs: -Infinity };
  const parts = [image, signed].flatMap((each) =>
    each === undefined ? [] : [each.dev, each.ino, each.size, each.mtimeNs, each.ctimeNs],
  );
  const modifiedMs = Math.max(...[image, signed].map((each) => Number(each?.mtimeMs ?? 0)));
  return { text: [artifact.path, ...parts].join(' '), artifact, modifiedMs };
}

function saysItsLength({ kind, platform }: Image): boolean {
  return kind === 'firmware' && platform !== 'rp2040';
}

function missing({ text }: ImagePlace): OtaError {
  return new OtaError('IMAGE_NOT_FOUND', `There is no image at ${text}.`, { details: { path: text } });
}
