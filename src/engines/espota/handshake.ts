/**
 * The exchange over UDP, until the device agrees to connect. Pure: inputs with times in, datagrams to send out.
 *
 *      ┌── silence, or the next candidate ──┐
 *      ▼                                    │
 *   inviting ── AUTH ──▶ responding ──▶ authenticating ── OK ──▶ agreed
 *      │                 (computing)                               ▲
 *      └──────────────── OK (open device) ─────────────────────────┘
 *
 * What shapes it (ArduinoOTA of the cores, see README "Protocol"):
 * - A station in modem sleep often misses the first datagram: re-send early.
 * - A device that waits for authentication swallows the next invitation and falls back to idle. So when its AUTH was
 *   lost, the second invitation gets silence and the third a new nonce: after the first, invitations go out as pairs.
 * - For the same reason an AUTH that comes after two invitations may belong to a device that is idle again, or to the
 *   earlier of the two: a failure on such a doubtful nonce is not yet a wrong password.
 * - On a link slower than the first repeat every nonce would be doubtful, for ever: so what an answer took once is what
 *   the next invitation waits for.
 * - `OK` to an authentication may take a second (ESP8266 opens the flash first, ESP32 computes 10,000 rounds). Repeating
 *   it is harmless.
 */

import type { AuthScheme } from '../../model/events.ts';
import type { Answer } from './messages.ts';

/** No answer at all for this long ends it, where nothing else is asked for. */
const defaultSilenceLimitMs = 10_000;
/** The whole exchange, whatever is answered. */
const handshakeLimitMs = 30_000;

const firstRepeatMs = 400;
const pairGapMs = 200;
const longestRepeatMs = 2_000;
const longestPatienceMs = 4_000;
const repeatAuthenticationMs = 1_000;
const giveUpAuthenticationMs = 2_500;
/** A doubtful nonce is given up sooner, but not before an ESP32 can have computed its answer (64 digits: SHA-256). */
const giveUpDoubtfulMs = { md5: 600, sha256: 2_500 } as const;
/** A device that answers the invitation and then never the authentication, this often, is not going to. */
const unansweredAuthentications = 4;
/** Failures on doubtful nonces, in a row, that are not believed. */
const disbelievedFailures = 3;

export interface Handshake {
  readonly phase: 'inviting' | 'responding' | 'authenticating' | 'agreed';
  readonly startedAtMs: number;
  /** No answer at all for this long ends it. */
  readonly silenceLimitMs: number;
  readonly lastAnswerMs: number;
  /** When to call `onTime`, absolute. */
  readonly wakeAtMs: number;
  /** As people count: a pair is one. */
  readonly attempt: number;
  /** Datagrams since the last conclusive answer. */
  readonly outstanding: number;
  /** Of the first of these. */
  readonly firstSentAtMs: number;
  readonly roundTripMs?: number;
  /** The longest that an answer to an invitation took, doubtful ones included; at least the round trip. */
  readonly latencyMs: number;
  readonly nonce?: string;
  readonly isDoubtful: boolean;
  /** Which candidate answers the next challenge. */
  readonly candidate: number;
  readonly candidateCount?: number;
  readonly doubtfulFailures: number;
  readonly authenticationSentMs: number;
  readonly authenticationRepeated: boolean;
  readonly unansweredAuthentications: number;
  readonly unknownAnswers: number;
  readonly unknownText?: string;
}

export type Action =
  | { readonly type: 'invite'; readonly attempt: number; readonly isRepeat: boolean }
  /** Compute the response of this candidate, send it, and call `authenticationSent`. */
  | { readonly type: 'respond'; readonly nonce: string; readonly candidate: number }
  | { readonly type: 'repeat-authentication' }
  | { readonly type: 'agreed' }
  | { readonly type: 'refused'; readonly text: string; readonly number?: number }
  | { readonly type: 'password-wrong' }
  | { readonly type: 'no-protocol'; readonly text: string }
  | { readonly type: 'silent'; readonly afterChallenge: boolean };

export type Step = readonly [Handshake, readonly Action[]];

export function startHandshake(nowMs: number, silenceLimitMs = defaultSilenceLimitMs): Step {
  const state: Handshake = {
    phase: 'inviting',
    startedAtMs: nowMs,
    silenceLimitMs,
    lastAnswerMs: nowMs,
    wakeAtMs: nowMs,
    attempt: 0,
    outstanding: 0,
    firstSentAtMs: nowMs,
    latencyMs: 0,
    isDoubtful: false,
    candidate: 0,
    doubtfulFailures: 0,
    authenticationSentMs: nowMs,
    authenticationRepeated: false,
    unansweredAuthentications: 0,
    unknownAnswers: 0,
  };
  return invite(state, nowMs);
}

/** The time that the state asked for has come. */
export function onTime(state: Handshake, nowMs: number): Step {
  if (nowMs >= limitAtMs(state)) return [state, [nothingMore(state)]];
  if (nowMs < state.wakeAtMs) return [state, []];
  if (state.phase === 'inviting') return invite(state, nowMs);
  if (state.phase !== 'authenticating') return [{ ...state, wakeAtMs: limitAtMs(state) }, []];
  const giveUpAtMs = state.authenticationSentMs + giveUpAfterMs(state);
  if (nowMs < giveUpAtMs) {
    if (state.authenticationRepeated) return [{ ...state, wakeAtMs: giveUpAtMs }, []];
    return [
      { ...state, authenticationRepeated: true, wakeAtMs: giveUpAtMs },
      [{ type: 'repeat-authentication' }],
    ];
  }
  const unanswered = state.unansweredAuthentications + 1;
  if (unanswered >= unansweredAuthentications) return [state, [{ type: 'silent', afterChallenge: true }]];
  return invite({ ...state, unansweredAuthentications: unanswered, outstanding: 0 }, nowMs);
}

export function onAnswer(state: Handshake, answer: Answer, nowMs: number): Step {
  const heard = { ...state, lastAnswerMs: nowMs };
  switch (answer.type) {
    case 'ok':
      return state.phase === 'agreed' ? [heard, []] : [{ ...heard, phase: 'agreed' }, [{ type: 'agreed' }]];
    case 'refused':
      return [heard, [{ ...answer, type: 'refused' }]];
    case 'challenge':
      return onChallenge(heard, answer.nonce, nowMs);
    case 'authentication-failed':
      return onAuthenticationFailed(heard, nowMs);
    case 'unknown': {
      const unknownAnswers = state.unknownAnswers + 1;
      // Three, as a stray program on that port or a damaged datagram must not end an update that works.
      if (unknownAnswers < 3) return [{ ...state, unknownAnswers, unknownText: answer.text }, []];
      return [heard, [{ type: 'no-protocol', text: answer.text }]];
    }
  }
}

/** The device has connected: whatever answer is missing, it agreed. */
export function onConnection(state: Handshake): Step {
  return state.phase === 'agreed' ? [state, []] : [{ ...state, phase: 'agreed' }, [{ type: 'agreed' }]];
}

export function authenticationSent(state: Handshake, nowMs: number, candidateCount: number): Handshake {
  const repeatMs = Math.min(repeatAuthenticationMs + state.latencyMs, giveUpAfterMs(state));
  return {
    ...state,
    phase: 'authenticating',
    candidateCount,
    authenticationSentMs: nowMs,
    authenticationRepeated: false,
    wakeAtMs: Math.min(nowMs + repeatMs, limitAtMs(state)),
  };
}

/** How the device was proven to, once it agreed. */
export function agreedScheme(
  state: Handshake,
  candidates: readonly { readonly scheme: AuthScheme }[],
): AuthScheme {
  return state.nonce === undefined ? 'none' : (candidates[state.candidate]?.scheme ?? 'none');
}

function onChallenge(state: Handshake, nonce: string, nowMs: number): Step {
  // Outside `inviting` it is a duplicate, or the late answer to an earlier invitation: the device may well wait for
  // the answer to the nonce that we are at, and a second answer would only spoil it.
  if (state.phase !== 'inviting' || nonce === state.nonce) return [state, []];
  const isDoubtful = state.outstanding > 1;
  const tookMs = nowMs - state.firstSentAtMs;
  return [
    {
      ...state,
      phase: 'responding',
      nonce,
      isDoubtful,
      outstanding: 0,
      latencyMs: Math.min(longestPatienceMs, Math.max(state.latencyMs, tookMs)),
      wakeAtMs: limitAtMs(state),
      ...(isDoubtful ? {} : { roundTripMs: tookMs }),
    },
    [{ type: 'respond', nonce, candidate: state.candidate }],
  ];
}

function onAuthenticationFailed(state: Handshake, nowMs: number): Step {
  if (state.phase !== 'authenticating') return [state, []];
  const again = { ...state, outstanding: 0, unansweredAuthentications: 0 };
  const doubtfulFailures = state.doubtfulFailures + 1;
  if (state.isDoubtful && doubtfulFailures <= disbelievedFailures)
    return invite({ ...again, doubtfulFailures }, nowMs);
  const candidate = state.candidate + 1;
  if (candidate >= (state.candidateCount ?? 0)) return [state, [{ type: 'password-wrong' }]];
  return invite({ ...again, candidate, doubtfulFailures: 0 }, nowMs);
}

/**
 * The 1st alone, then pairs: the 2nd and 3rd are one try, the 4th and 5th the next. A pair's second member goes out
 * sooner than the next pair, but not sooner than the answer to its first could be here.
 */
function invite(state: Handshake, nowMs: number): Step {
  const outstanding = state.outstanding + 1;
  const isRepeat = outstanding > 1 && outstanding % 2 === 1;
  const attempt = state.attempt + (isRepeat ? 0 : 1);
  const growingMs = Math.min(longestRepeatMs, firstRepeatMs * 1.5 ** ((outstanding - 1) / 2));
  const untilNextMs =
    outstanding % 2 === 0
      ? Math.max(pairGapMs, 2 * (state.roundTripMs ?? 0))
      : Math.max(growingMs, Math.min(longestPatienceMs, 1.5 * state.latencyMs));
  return [
    {
      ...state,
      phase: 'inviting',
      attempt,
      outstanding,
      firstSentAtMs: outstanding === 1 ? nowMs : state.firstSentAtMs,
      wakeAtMs: Math.min(nowMs + untilNextMs, limitAtMs(state)),
    },
    [{ type: 'invite', attempt, isRepeat }],
  ];
}

function giveUpAfterMs(state: Handshake): number {
  if (!state.isDoubtful) return giveUpAuthenticationMs + state.latencyMs;
  return giveUpDoubtfulMs[state.nonce?.length === 64 ? 'sha256' : 'md5'] + state.latencyMs;
}

function limitAtMs({ lastAnswerMs, startedAtMs, silenceLimitMs }: Handshake): number {
  return Math.min(lastAnswerMs + silenceLimitMs, startedAtMs + Math.max(handshakeLimitMs, silenceLimitMs));
}

/** Something strange was heard and nothing else: that is not silence. */
function nothingMore({ nonce, unknownText }: Handshake): Action {
  if (nonce === undefined && unknownText !== undefined) return { type: 'no-protocol', text: unknownText };
  return { type: 'silent', afterChallenge: nonce !== undefined };
}
