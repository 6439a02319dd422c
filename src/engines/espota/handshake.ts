/**
 * The exchange over UDP, until the device agrees to connect. Pure: inputs with times in, datagrams to send out.
 *
 *      ┌── silence, or the next candidate ──┐
 *      ▼                                    │
 *   inviting ── AUTH ──▶ responding ──▶ authenticating ── OK ──▶ agreed
 *      │                 (computing)                               ▲
 *      └──────────────── OK (open device) ─────────────────────────┘
 *
 * Every answer belongs to an invitation, as each has a socket of its own (`udp-sockets.ts`), and only the newest one
 * counts. What makes that necessary (ArduinoOTA of the cores, seen on the real receivers):
 * - An ESP32 queues datagrams and takes one each time round its `loop()`. With a `delay(1000)` there an answer takes a
 *   second, and whatever was sent meanwhile is still to come: a repeated invitation takes the nonce back that an older one
 *   got, and an answer to the older nonce is called wrong, whatever the password. So an AUTH for an older invitation is
 *   left alone; that for the newest is answered, as nothing is left in the queue that could take it back.
 * - A device that waits for authentication swallows the next invitation and falls back to idle. So from the second on, an
 *   unknown command goes before an invitation: it makes the device idle without a word.
 * - Each repeat costs a slow sketch two more rounds. So they are few, and an AUTH, whichever it belongs to, means to wait.
 * - A station in modem sleep often misses the first datagram: so the first repeat is early.
 * - `OK` may take a second after the authentication (ESP8266 opens the flash first, ESP32 computes 10,000 rounds), and
 *   comes only in the next round. Repeating the authentication is harmless: a device that is idle or updating ignores it.
 */

import type { AuthScheme } from '../../model/events.ts';
import type { DeviceAnswer } from './messages.ts';
import {
  afterNewestMs,
  afterOlderAnswerMs,
  answerLimits,
  pauseLimitMs,
  type InvitationPace,
} from './invitation-times.ts';

/** No answer at all for this long ends it, where nothing else is asked for. */
const defaultSilenceLimitMs = 10_000;
/** From the first answer on, whatever is answered. */
const conversationLimitMs = 90_000;
/** A device that answers the invitation and then never the authentication, this often, is not going to. */
const unansweredAuthentications = 4;

export interface Handshake {
  readonly phase: 'inviting' | 'responding' | 'authenticating' | 'agreed';
  readonly pace: InvitationPace;
  readonly startedAtMs: number;
  /** No answer at all for this long ends it. */
  readonly silenceLimitMs: number;
  readonly firstAnswerMs?: number;
  readonly lastAnswerMs: number;
  /** When to call `onTime`, absolute. */
  readonly wakeAtMs: number;
  /** When each invitation went out; its number is its place, counted from 1. */
  readonly invitedAtMs: readonly number[];
  /** Invitations since the device was last known to be idle, or since the start. */
  readonly repeats: number;
  /** Known to be idle, as it has failed the authentication for the newest invitation. */
  readonly isIdle: boolean;
  /** The longest that an answer took. */
  readonly latencyMs: number;
  /** The shortest that an AUTH took after its invitation. */
  readonly roundTripMs?: number;
  /** Every nonce that has come. */
  readonly nonces: readonly string[];
  /** Which candidate answers the next challenge. */
  readonly candidate: number;
  readonly candidateCount: number;
  readonly response?: Response;
  readonly unansweredAuthentications: number;
  readonly unknownAnswers: number;
  readonly unknownText?: string;
}

/** What was sent for the AUTH of the newest invitation. */
interface Response {
  readonly nonce: string;
  readonly candidate: number;
  readonly sentAtMs: number;
  readonly repeats: number;
  /**
   * The device has given out another nonce since, as the network has doubled an invitation or delivered one very late. A
   * failure then says nothing about the password.
   */
  readonly isDoubtful: boolean;
}

export type HandshakeAction =
  /** From a socket of its own; `resetFirst`: after a `resetDatagram`. */
  | { readonly type: 'invite'; readonly invitation: number; readonly resetFirst: boolean }
  /** Compute the response of this candidate, send it as this invitation, and call `authenticationSent`. */
  | {
      readonly type: 'respond';
      readonly invitation: number;
      readonly nonce: string;
      readonly candidate: number;
    }
  | { readonly type: 'repeat-authentication'; readonly invitation: number }
  /** `leavesInvitations`: the device may find others in its queue when the update has failed. */
  | { readonly type: 'agreed'; readonly leavesInvitations: boolean }
  | { readonly type: 'refused'; readonly text: string; readonly number?: number }
  | { readonly type: 'password-wrong' }
  | { readonly type: 'no-protocol'; readonly text: string }
  | { readonly type: 'silent'; readonly afterChallenge: boolean };

export type HandshakeStep = readonly [Handshake, readonly HandshakeAction[]];

export interface HandshakeOptions {
  readonly nowMs: number;
  readonly pace: InvitationPace;
  readonly silenceLimitMs?: number | undefined;
}

export function startHandshake({ nowMs, pace, silenceLimitMs }: HandshakeOptions): HandshakeStep {
  const state: Handshake = {
    phase: 'inviting',
    pace,
    startedAtMs: nowMs,
    silenceLimitMs: silenceLimitMs ?? defaultSilenceLimitMs,
    lastAnswerMs: nowMs,
    wakeAtMs: nowMs,
    invitedAtMs: [],
    repeats: 0,
    // As far as is known: one that is not swallows the first invitation, and takes the second.
    isIdle: true,
    latencyMs: 0,
    nonces: [],
    candidate: 0,
    candidateCount: 0,
    unansweredAuthentications: 0,
    unknownAnswers: 0,
  };
  return invite(state, nowMs);
}

/** The time that the state asked for has come. */
export function onTime(state: Handshake, nowMs: number): HandshakeStep {
  if (nowMs >= limitAtMs(state)) return [state, [nothingMore(state)]];
  if (nowMs < state.wakeAtMs) return [state, []];
  if (state.phase === 'inviting') return invite(state, nowMs);
  const { response } = state;
  if (state.phase !== 'authenticating' || response === undefined)
    return [{ ...state, wakeAtMs: limitAtMs(state) }, []];
  const limits = answerLimits(state);
  if (nowMs < response.sentAtMs + limits.giveUpMs) {
    const repeated = { ...state, response: { ...response, repeats: response.repeats + 1 } };
    return [
      { ...repeated, wakeAtMs: authenticationWakeMs(repeated) },
      [{ type: 'repeat-authentication', invitation: newest(state) }],
    ];
  }
  return afterNoVerdict(state, nowMs);
}

/** @param invitation whose socket it came to */
export function onAnswer(
  state: Handshake,
  answer: DeviceAnswer,
  invitation: number,
  nowMs: number,
): HandshakeStep {
  if (answer.type === 'unknown') {
    const unknownAnswers = state.unknownAnswers + 1;
    // Three, as a stray program on that port or a damaged datagram must not end an update that works.
    if (unknownAnswers < 3) return [{ ...state, unknownAnswers, unknownText: answer.text }, []];
    return [state, [{ type: 'no-protocol', text: answer.text }]];
  }
  const heard = { ...state, firstAnswerMs: state.firstAnswerMs ?? nowMs, lastAnswerMs: nowMs };
  switch (answer.type) {
    case 'ok':
      return agree(heard, invitation < newest(heard));
    case 'refused':
      return [{ ...heard, isIdle: true }, [{ ...answer, type: 'refused' }]];
    case 'challenge':
      return onChallenge(heard, answer.nonce, invitation, nowMs);
    case 'authentication-failed':
      return onAuthenticationFailed(heard, invitation, nowMs);
  }
}

/** The device has connected: whatever answer is missing, it agreed. */
export function onConnection(state: Handshake): HandshakeStep {
  return agree(state, newest(state) > 1);
}

export function authenticationSent(state: Handshake, nowMs: number, candidateCount: number): Handshake {
  const { response } = state;
  if (response === undefined) return state;
  const sent: Handshake = {
    ...state,
    phase: 'authenticating',
    candidateCount,
    response: { ...response, sentAtMs: nowMs },
  };
  return { ...sent, wakeAtMs: authenticationWakeMs(sent) };
}

/** How the device was proven to, once it agreed. */
export function agreedScheme(
  { response }: Handshake,
  candidates: readonly { readonly scheme: AuthScheme }[],
): AuthScheme {
  return response === undefined ? 'none' : (candidates[response.candidate]?.scheme ?? 'none');
}

/** Whether the device may wait for an authentication, now or when it comes to what is in its queue. */
export function mayWait({ phase, isIdle }: Handshake): boolean {
  return phase !== 'agreed' && !isIdle;
}

function agree(state: Handshake, leavesInvitations: boolean): HandshakeStep {
  if (state.phase === 'agreed') return [state, []];
  return [{ ...state, phase: 'agreed' }, [{ type: 'agreed', leavesInvitations }]];
}

function onChallenge(before: Handshake, nonce: string, invitation: number, nowMs: number): HandshakeStep {
  // A duplicate: whatever was to be done about it is done.
  if (before.nonces.includes(nonce)) return [before, []];
  const state = { ...before, nonces: [...before.nonces, nonce] };
  const { response } = state;
  if (state.phase !== 'inviting') {
    if (response === undefined) return [state, []];
    return [{ ...state, response: { ...response, isDoubtful: true } }, []];
  }
  const tookMs = nowMs - (state.invitedAtMs[invitation - 1] ?? nowMs);
  const measured: Handshake = {
    ...state,
    latencyMs: Math.max(state.latencyMs, tookMs),
    roundTripMs: Math.min(state.roundTripMs ?? tookMs, tookMs),
  };
  if (invitation !== newest(state)) {
    const wakeAtMs = Math.max(state.wakeAtMs, nowMs + afterOlderAnswerMs(measured));
    return [{ ...measured, wakeAtMs: Math.min(wakeAtMs, limitAtMs(measured)) }, []];
  }
  const { candidate } = state;
  return [
    {
      ...measured,
      phase: 'responding',
      response: { nonce, candidate, sentAtMs: nowMs, repeats: 0, isDoubtful: false },
      wakeAtMs: limitAtMs(measured),
    },
    [{ type: 'respond', invitation, nonce, candidate }],
  ];
}

function onAuthenticationFailed(state: Handshake, invitation: number, nowMs: number): HandshakeStep {
  const { phase, response } = state;
  // Of another invitation than the newest: nobody knows against which nonce it was judged.
  if (phase !== 'authenticating' || response === undefined || invitation !== newest(state))
    return [state, []];
  if (response.isDoubtful) return afterNoVerdict(state, nowMs);
  const idle: Handshake = {
    ...state,
    isIdle: true,
    repeats: 0,
    unansweredAuthentications: 0,
    latencyMs: Math.max(state.latencyMs, nowMs - response.sentAtMs),
  };
  const candidate = response.candidate + 1;
  if (candidate >= state.candidateCount) return [idle, [{ type: 'password-wrong' }]];
  return invite({ ...idle, candidate }, nowMs);
}

function afterNoVerdict(state: Handshake, nowMs: number): HandshakeStep {
  const unanswered = state.unansweredAuthentications + 1;
  if (unanswered >= unansweredAuthentications) return [state, [{ type: 'silent', afterChallenge: true }]];
  // It was slow, or the link is bad: no early repeat.
  return invite({ ...state, unansweredAuthentications: unanswered, repeats: 1 }, nowMs);
}

function invite(state: Handshake, nowMs: number): HandshakeStep {
  const repeats = state.repeats + 1;
  const invited: Handshake = {
    ...state,
    phase: 'inviting',
    repeats,
    isIdle: false,
    invitedAtMs: [...state.invitedAtMs, nowMs],
  };
  const wakeAtMs = Math.min(nowMs + afterNewestMs(invited), limitAtMs(invited));
  return [
    { ...invited, wakeAtMs },
    [{ type: 'invite', invitation: newest(invited), resetFirst: !state.isIdle }],
  ];
}

/** The invitation that counts: the last one that went out. */
export function newest({ invitedAtMs }: Handshake): number {
  return invitedAtMs.length;
}

function authenticationWakeMs(state: Handshake): number {
  const { response } = state;
  const { repeatsMs, giveUpMs } = answerLimits(state);
  const afterMs = Math.min(repeatsMs[response?.repeats ?? 0] ?? giveUpMs, giveUpMs);
  return Math.min((response?.sentAtMs ?? 0) + afterMs, limitAtMs(state));
}

function limitAtMs({ pace, lastAnswerMs, firstAnswerMs, silenceLimitMs }: Handshake): number {
  if (firstAnswerMs === undefined) return lastAnswerMs + silenceLimitMs;
  return Math.min(
    lastAnswerMs + Math.max(pauseLimitMs[pace], silenceLimitMs),
    firstAnswerMs + Math.max(conversationLimitMs, silenceLimitMs),
  );
}

/** Something strange was heard and nothing else: that is not silence. */
function nothingMore({ firstAnswerMs, unknownText }: Handshake): HandshakeAction {
  if (firstAnswerMs === undefined && unknownText !== undefined)
    return { type: 'no-protocol', text: unknownText };
  return { type: 'silent', afterChallenge: firstAnswerMs !== undefined };
}
