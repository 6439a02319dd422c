/** From the first invitation to the connection: drives the state machine of the handshake over real sockets. */

import { isSameAddress } from '../../model/endpoint.ts';
import type { EngineContext } from '../engine.ts';
import { cancelled } from '../../model/errors.ts';
import type { Image, Target } from '../../model/types.ts';
import { candidatesFor, randomCnonce, respond, type Candidate } from './auth.ts';
import * as failures from './failures.ts';
import * as handshakes from './handshake.ts';
import type { Inbox } from './inbox.ts';
import { formatAuthentication, formatInvitation, parseAnswer, stepBack } from './messages.ts';
import type { Connection, Endpoint, Input, Transport } from './transport.ts';

const connectBackLimitMs = 15_000;
/** Whoever scans the ports of this host must not fill the report. */
const mostStrangers = 8;

/** What one exchange works with. */
export interface Exchange {
  readonly target: Target;
  readonly context: EngineContext;
  readonly transport: Transport;
  readonly inbox: Inbox<Input>;
  readonly now: () => number;
  readonly where: failures.Where;
}

/** What the device is told. */
type Offered = Pick<Image, 'kind' | 'sizeBytes' | 'md5'>;

export interface AgreeOptions {
  readonly signal: AbortSignal;
  /** How long the device may answer nothing at all. */
  readonly silenceLimitMs?: number | undefined;
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
  try {
    const { state, connection } = await converse(exchange, image, options);
    const { roundTripMs } = state;
    return {
      connection: connection ?? (await connectBack(exchange, signal)),
      ...(roundTripMs === undefined ? {} : { roundTripMs }),
    };
  } catch (error) {
    // A device that waits for a password would swallow the first invitation of the next push.
    exchange.transport.send(stepBack);
    throw error;
  }
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
  { signal, silenceLimitMs }: AgreeOptions,
): Promise<Conversation> {
  const { target, context, transport, inbox, now } = exchange;
  const { where } = exchange;
  const { observed } = where;
  const { port: hostPort, address: hostAddress } = transport.local;
  const { kind, sizeBytes, md5 } = image;
  const invitation = formatInvitation({ kind, hostPort, sizeBytes, md5 });
  let authentication = '';
  let candidates: readonly Candidate[] = [];
  let connection: Connection | undefined;
  let [state, actions] = handshakes.startHandshake(now(), silenceLimitMs);

  for (;;) {
    for (const action of actions) {
      switch (action.type) {
        case 'invite':
          observed.invitations += 1;
          if (!action.isRepeat) {
            context.tell({ type: 'invited', attempt: action.attempt, hostAddress, hostPort });
          }
          transport.send(invitation);
          break;
        case 'respond': {
          const { nonce } = action;
          observed.nonceDigits = nonce.length;
          candidates = candidatesFor(target.credential, nonce);
          const candidate = candidates[action.candidate];
          if (target.credential.type === 'none') throw failures.passwordRequired(where);
          if (candidate === undefined) throw failures.passwordWrong(where, 'hash-unfit');
          const cnonce = randomCnonce(nonce);
          const response = await respond({ candidate, nonce, cnonce });
          if (signal.aborted) throw cancelled(signal);
          authentication = formatAuthentication({ cnonce, response });
          transport.send(authentication);
          state = handshakes.authenticationSent(state, now(), candidates.length);
          break;
        }
        case 'repeat-authentication':
          transport.send(authentication);
          break;
        case 'agreed':
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
      [state, actions] = handshakes.onAnswer(state, parseAnswer(input.bytes), now());
    } else if (input.type === 'connection' && isAcceptable(input.connection, exchange)) {
      connection = input.connection;
      [state, actions] = handshakes.onConnection(state);
    } else {
      note(input, observed);
      actions = [];
    }
  }
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

function note(input: Input, observed: failures.Observed): void {
  if (input.type !== 'undeliverable' || observed.undeliverable.includes(input.code)) return;
  observed.undeliverable.push(input.code);
}

function isFrom(from: Endpoint, target: Target): boolean {
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
