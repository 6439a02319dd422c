/** From the first invitation to the connection: drives the state machine of the handshake over real sockets. */

import { isSameAddress } from '../../model/address.ts';
import type { EngineContext } from '../engine.ts';
import { cancelled } from '../../model/errors.ts';
import type { Image, Target } from '../../model/types.ts';
import { candidatesFor, randomCnonce, respond, type ProofCandidate } from './auth.ts';
import * as failures from './failures.ts';
import * as handshakes from './handshake.ts';
import type { Inbox } from './inbox.ts';
import { paceOf } from './invitation-times.ts';
import {
  formatAuthentication,
  formatInvitation,
  parseAnswer,
  resetDatagram,
  type DeviceAnswer,
} from './messages.ts';
import type { Connection, ExchangeInput, Transport } from './transport.ts';
import type { SocketEndpoint } from './udp-sockets.ts';

const connectBackLimitMs = 15_000;
/** Whoever scans the ports of this host must not fill the report. */
const mostStrangers = 8;

/** What one exchange works with. */
export interface Exchange {
  readonly target: Target;
  readonly context: EngineContext;
  readonly transport: Transport;
  readonly inbox: Inbox<ExchangeInput>;
  readonly now: () => number;
  readonly where: failures.Where;
}

/** What the invitation says of an image. */
export type Offered = Pick<Image, 'kind' | 'sizeBytes' | 'md5' | 'platform'>;

export interface AgreeOptions {
  readonly signal: AbortSignal;
  /** How long the device may answer nothing at all. */
  readonly silenceLimitMs?: number | undefined;
  /** The device has said `OK`, or has connected before that was heard. */
  readonly onAgreed?: () => void;
}

export interface Agreement {
  /** Where it was measured. */
  readonly roundTripMs?: number;
  /** From the device, and of nobody else; nothing was read from it yet. */
  readonly connection: Connection;
}

/** Invites the device until it has connected. Rejects with the `OtaError` of whatever else happened. */
export async function agree(exchange: Exchange, image: Offered, options: AgreeOptions): Promise<Agreement> {
  const { signal } = options;
  if (signal.aborted) throw cancelled(signal);
  const { state, connection } = await converse(exchange, image, options);
  const { roundTripMs } = state;
  return {
    connection: connection ?? (await connectBack(exchange, signal)),
    ...(roundTripMs === undefined ? {} : { roundTripMs }),
  };
}

interface Conversation {
  readonly state: handshakes.Handshake;
  /** Where the device connected before its `OK` was heard. */
  readonly connection?: Connection;
}

/** Every answer, and every silence, is the state machine's to judge. */
async function converse(
  exchange: Exchange,
  image: Offered,
  { signal, silenceLimitMs, onAgreed }: AgreeOptions,
): Promise<Conversation> {
  const { target, context, transport, inbox, now, where } = exchange;
  const { observed } = where;
  const { port: hostPort, address: hostAddress } = transport.local;
  const { kind, sizeBytes, md5 } = image;
  const invitation = formatInvitation({ kind, hostPort, sizeBytes, md5 });
  const pace = paceOf(target.platform ?? image.platform);
  let authentication = '';
  let candidates: readonly ProofCandidate[] = [];
  let connection: Connection | undefined;
  let [state, actions] = handshakes.startHandshake({ nowMs: now(), pace, silenceLimitMs });

  try {
    for (;;) {
      for (const action of actions) {
        switch (action.type) {
          case 'invite':
            if (observed.datagramsReceived === 0) observed.invitations = action.invitation;
            context.tell({ type: 'invited', attempt: action.invitation, hostAddress, hostPort });
            if (action.resetFirst) transport.send(resetDatagram, action.invitation);
            transport.send(invitation, action.invitation);
            break;
          case 'respond': {
            const { nonce } = action;
            candidates = candidatesFor(target.credential, nonce);
            const candidate = candidates[action.candidate];
            if (candidate === undefined) throw failures.passwordWrong(where, 'hash-unfit');
            const cnonce = randomCnonce(nonce);
            const response = await respond({ candidate, nonce, cnonce });
            if (signal.aborted) throw cancelled(signal);
            authentication = formatAuthentication({ cnonce, response });
            transport.send(authentication, action.invitation);
            state = handshakes.authenticationSent(state, now(), candidates.length);
            break;
          }
          case 'repeat-authentication':
            transport.send(authentication, action.invitation);
            break;
          case 'agreed':
            onAgreed?.();
            // An ESP32 takes them up when the update has failed, and would then wait for an authentication.
            if (action.leavesInvitations) transport.send(resetDatagram, handshakes.newest(state));
            context.tell({ type: 'authenticated', scheme: handshakes.agreedScheme(state, candidates) });
            return { state, ...(connection === undefined ? {} : { connection }) };
          case 'refused':
            throw failures.refused(where, action);
          case 'password-wrong':
            throw failures.passwordWrong(where, 'refused');
          case 'no-protocol':
            throw failures.noProtocol(where, action.text);
          case 'silent':
            throw failures.silent(where, {
              afterChallenge: action.afterChallenge,
              waitedMs: now() - state.lastAnswerMs,
            });
        }
      }
      const input = await inbox.next({ untilMs: state.wakeAtMs, signal });
      if (input === undefined) [state, actions] = handshakes.onTime(state, now());
      else if (input.type === 'datagram' && isFrom(input.from, target)) {
        observed.datagramsReceived += 1;
        const answer = parseAnswer(input.bytes);
        checkCredential(answer, where);
        [state, actions] = handshakes.onAnswer(state, answer, input.invitation, now());
        observed.longestAnswerMs = Math.round(state.latencyMs);
      } else if (input.type === 'connection' && isAcceptable(input.connection, exchange)) {
        connection = input.connection;
        [state, actions] = handshakes.onConnection(state);
      } else {
        note(input, observed);
        actions = [];
      }
    }
  } catch (error) {
    // A device that waits for a password would swallow the first invitation of the next push.
    if (handshakes.mayWait(state)) transport.send(resetDatagram, handshakes.newest(state));
    throw error;
  }
}

/** A device that asks for a password asks for it, whichever invitation that answers. */
function checkCredential(answer: DeviceAnswer, where: failures.Where): void {
  if (answer.type !== 'challenge') return;
  where.observed.nonceDigits = answer.nonce.length;
  const { credential } = where.target;
  if (credential.type === 'none') throw failures.passwordRequired(where);
  if (candidatesFor(credential, answer.nonce).length === 0) throw failures.passwordWrong(where, 'hash-unfit');
}

/** Waits for the device's connection, and turns others away without losing it. */
async function connectBack(exchange: Exchange, signal: AbortSignal): Promise<Connection> {
  const { target, inbox, now, where } = exchange;
  const untilMs = now() + connectBackLimitMs;
  for (;;) {
    const input = await inbox.next({ untilMs, signal });
    if (input === undefined) throw failures.connectBackMissing(where, connectBackLimitMs);
    if (input.type === 'connection' && isAcceptable(input.connection, exchange)) return input.connection;
    if (input.type === 'datagram' && isFrom(input.from, target)) {
      where.observed.datagramsReceived += 1;
      const answer = parseAnswer(input.bytes);
      if (answer.type === 'refused') throw failures.refused(where, answer);
    } else note(input, where.observed);
  }
}

function note(input: ExchangeInput, observed: failures.Observed): void {
  if (input.type !== 'undeliverable' || observed.undeliverable.includes(input.code)) return;
  observed.undeliverable.push(input.code);
}

function isFrom(from: SocketEndpoint, target: Target): boolean {
  return isSameAddress(from.address, target.address) && from.port === target.port;
}

function isAcceptable(connection: Connection, { target, context, where }: Exchange): boolean {
  if (target.acceptFrom === 'any' || isSameAddress(connection.address, target.address)) return true;
  connection.reset();
  const { foreignConnections: strangers } = where.observed;
  if (strangers.includes(connection.address) || strangers.length >= mostStrangers) return false;
  strangers.push(connection.address);
  context.tell({
    type: 'log',
    level: 'warn',
    message: `Turned away a connection from ${connection.address}.`,
  });
  return false;
}
