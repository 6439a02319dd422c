/**
 * `verify.http`: a URL is asked until it says the expected thing.
 *
 * The old sketch may say it as well, and still answers for a moment after the image was accepted. So it is asked before the
 * push. Unless it is known to say something else, or it is not known what it says and the answer names this very image, the
 * answer counts only after a sign of the restart: nothing answered, or another answer came, in between.
 */

import { isSameAddress } from '../../model/address.ts';
import { printable } from '../../model/printable.ts';
import type { Image } from '../../model/types.ts';
import type { HttpProof, Verification } from '../../model/verification.ts';
import { withoutUndefined } from '../../model/without-undefined.ts';
import { hostOf, shownUrl } from '../../config/homeding-url.ts';
import { askOverHttp, type HttpAnswer } from './ask-http.ts';
import { identifies, meets, refuseUnknown, urlFor, type Asked, type Met } from './expectation.ts';
import type { Proof, ProofContext } from './proof.ts';
import { repeat } from './repeat.ts';

/** What is known of the device and the image right before the push. */
export type ProofPlace = Pick<ProofContext, 'device' | 'target' | 'image'>;

/** A proof that has to see what the old sketch says. */
export interface LookingProof extends Proof {
  /**
   * Starts to ask the old sketch, and waits for nothing: what is not known once the image is accepted does not count.
   *
   * @throws OtaError CONFIG_INVALID: what is to be expected cannot be said of this image
   */
  look(place: ProofPlace, signal: AbortSignal): void;
}

/** A device that restarts is asked more often than one that answers, and has other things to do. */
const silentPauseMs = 200;
const answeredPauseMs = 500;

type Seen = Met | { readonly type: 'silent'; readonly why: string };

/** @param sumsOf the sums that a device may report while this very image runs, beside the sum of the file */
export function httpProof(
  config: HttpProof,
  sumsOf: (image: Image) => Iterable<string> = () => [],
): LookingProof {
  let before: Seen | undefined;
  let sums: readonly string[] | undefined;

  const ask = async (
    { device, target, image }: ProofPlace,
    address: string,
    signal: AbortSignal,
  ): Promise<{ seen: Seen; url: URL }> => {
    const asked: Asked = { name: device.name, address, image, sums: (sums ??= [...sumsOf(image)]) };
    const url = urlFor(config, asked);
    const host = hostOf(url);
    const isDevice =
      isSameAddress(host, address) || [device.host, target.name, `${target.name}.local`].includes(host);
    const answer = await askOverHttp(url, { signal, ...(isDevice && { address }) });
    return { seen: seenOf(answer, (text) => meets(config, asked, text)), url };
  };

  return {
    name: 'http',
    offered: () => true,
    look(place, signal) {
      const { device, target, image } = place;
      refuseUnknown(config, { name: device.name, address: target.address, image });
      const asking = ask(place, target.address, signal).then(({ seen }) => {
        if (!signal.aborted) before = seen;
      });
      asking.catch(() => {});
    },
    async wait(context, signal): Promise<Verification> {
      const { acceptedAtMs, timeoutMs } = context;
      let state = startOf(config, before);
      let place = '';
      const afterMs = (): number => performance.now() - acceptedAtMs;
      const isProven = await repeat<boolean>({
        endsAtMs: acceptedAtMs + timeoutMs,
        signal,
        async attempt(either) {
          const { seen, url } = await ask(context, context.address(), either);
          if (either.aborted) return { done: false };
          place = shownUrl(url);
          state = next(state, seen);
          if (isMet(state)) return { done: true };
          if (seen.type === 'never') return { done: false };
          return { pauseMs: seen.type === 'silent' ? silentPauseMs : answeredPauseMs };
        },
      });
      if (isProven === true)
        return { type: 'verified', method: 'http', proof: `says so at ${place}`, afterMs: afterMs() };
      return failure(state, { place, waitedMs: afterMs(), config, context });
    },
  };
}

function seenOf(answer: HttpAnswer, judge: (text: string) => Met): Seen {
  if (answer.type === 'silent') return answer;
  if (answer.type === 'unusable') return { type: 'not-met', why: answer.why };
  const { status, text } = answer;
  if (status < 200 || status > 299) return { type: 'not-met', why: `answers with status ${status}` };
  return judge(text);
}

interface Watched {
  /** What the old sketch said, where that is known. */
  readonly before: Seen | undefined;
  /** The answer alone proves nothing: the old sketch may give it as well. */
  readonly needsRestart: boolean;
  /** Nothing, or another answer, came since the image was accepted. */
  readonly isRestarted: boolean;
  readonly hasAnswered: boolean;
  readonly last?: Seen;
}

function startOf(config: HttpProof, before: Seen | undefined): Watched {
  const needsRestart = before?.type === 'met' || (before?.type !== 'not-met' && !identifies(config));
  return { before, needsRestart, isRestarted: false, hasAnswered: false };
}

function next(state: Watched, seen: Seen): Watched {
  return {
    ...state,
    last: seen,
    isRestarted: state.isRestarted || (seen.type !== 'met' && isOther(seen, state.before)),
    hasAnswered: state.hasAnswered || seen.type !== 'silent',
  };
}

/** Whether it is something else than what the old sketch said, or may have said. */
const isOther = (seen: Seen, before: Seen | undefined): boolean =>
  seen.type === 'silent' || before?.type !== 'not-met';

const isMet = ({ last, needsRestart, isRestarted }: Watched): boolean =>
  last?.type === 'met' && (!needsRestart || isRestarted);

interface Failure {
  readonly place: string;
  readonly waitedMs: number;
  readonly config: HttpProof;
  readonly context: Pick<ProofContext, 'before' | 'isBack'>;
}

function failure(state: Watched, { place, waitedMs, config, context }: Failure): Verification {
  const { last, before, hasAnswered } = state;
  const unproven = (reason: string, hint?: string): Verification =>
    withoutUndefined({ type: 'unproven' as const, method: 'http' as const, reason, waitedMs, hint });
  if (last === undefined) return unproven('there was no time to ask for the proof');
  switch (last.type) {
    case 'silent': {
      const hasEverAnswered = hasAnswered || (before !== undefined && before.type !== 'silent');
      const hint =
        'Check that the sketch has a web server, and that `verify.http.url` has its port and path.';
      const nothing = `nothing answers at ${place} (${last.why})`;
      // A new sketch may have no web server, or another port.
      if (context.isBack?.() === true) return unproven(`the device is announced again, but ${nothing}`, hint);
      if (hasEverAnswered) return { type: 'gone', waitedMs };
      if (context.before.announcement !== undefined) return { type: 'gone', waitedMs, hint };
      return unproven(nothing, hint);
    }
    case 'met':
      return unproven(
        `${place} gives the expected answer, but the sketch before may have given it as well, and no restart was seen`,
        'Expect something that only the new sketch says, such as {md5}.',
      );
    default: {
      const running = oldValue(state, config);
      if (running === undefined) return unproven(`${place} ${last.why}`);
      return { type: 'old-image', method: 'http', running, afterMs: waitedMs };
    }
  }
}

/** The sum or version that it said before the push, where it has restarted and says it again. */
function oldValue(
  { before, last, isRestarted }: Watched,
  { json }: HttpProof,
): { md5?: string; version?: string } | undefined {
  const found = last?.type === 'not-met' ? last.found : undefined;
  const was = before?.type === 'not-met' ? before.found : undefined;
  if (!isRestarted || found === undefined || found !== was) return undefined;
  const shown = printable(found, { longest: 60 });
  if (json?.equals === '{md5}') return { md5: shown };
  return json?.equals === '{version}' ? { version: shown } : undefined;
}
