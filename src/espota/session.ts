/**
 * One exchange with one device over espota, read top to bottom.
 *
 *   prepared ── invite (UDP) ──▶ agreed ── the device connects back (TCP) ──▶ connected ── the image ──▶ verdict
 *       │            │                │                    │                        │
 *       └────────────┴────────────────┴── abort, limit, refusal ──▶ both sockets closed, the connection reset
 */

import { OtaError, cancelled } from '../errors.ts';
import type { EngineContext, SendOptions, Session } from '../engine.ts';
import type { Image, Receipt, Target } from '../types.ts';
import { candidatesFor, randomCnonce, respond, type Candidate } from './auth.ts';
import * as failures from './failures.ts';
import * as handshakes from './handshake.ts';
import type { Inbox } from './inbox.ts';
import { formatAuthentication, formatInvitation, parseAnswer } from './messages.ts';
import { transfer } from './transfer.ts';
import type { Connection, Input, Transport } from './transport.ts';

const connectBackLimitMs = 15_000;
/** Slower than any link on which a push is worth waiting for. */
const slowestBytesPerSecond = 2_000;

export interface SessionParts {
  readonly target: Target;
  readonly context: EngineContext;
  readonly transport: Transport;
  readonly inbox: Inbox<Input>;
  readonly now: () => number;
}

export function createSession(parts: SessionParts): Session {
  const { target, context, transport } = parts;
  const observed: failures.Observed = {
    hostAddress: transport.local.address,
    hostPort: transport.local.port,
    invitations: 0,
    datagramsReceived: 0,
    undeliverable: [],
    foreignConnections: [],
  };
  const exchange: Exchange = { ...parts, where: { target, observed } };
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= transport.close());

  return {
    close,
    async send(image, options) {
      const limit = limitOf(image, options, target);
      const signal = AbortSignal.any([context.signal, options.signal, limit.signal]);
      const startedAtMs = parts.now();
      let connection: Connection | undefined;
      try {
        const agreement = await agree(exchange, image, signal);
        connection = agreement.connection ?? (await connectBack(exchange, image, signal));
        connection.accept();
        context.tell({ type: 'connected', address: connection.address });
        const end = await transfer({
          bytes: image.bytes,
          connection,
          inbox: parts.inbox,
          now: parts.now,
          signal,
          tell: context.tell,
          ...(agreement.roundTripMs === undefined ? {} : { roundTripMs: agreement.roundTripMs }),
        });
        if (end.type !== 'accepted') {
          throw failures.transferFailed(exchange.where, image, { ...end, type: end.type });
        }
        connection.end();
        connection = undefined;
        return accepted(exchange, image, startedAtMs);
      } finally {
        limit.clear();
        connection?.reset();
        await close();
      }
    },
  };
}

interface Exchange extends SessionParts {
  readonly where: failures.Where;
}

interface Agreement {
  readonly roundTripMs?: number;
  /** Where the device connected before its `OK` was heard. */
  readonly connection?: Connection;
}

/** Invites until the device agrees. Every answer, and every silence, is the state machine's to judge. */
async function agree(exchange: Exchange, image: Image, signal: AbortSignal): Promise<Agreement> {
  const { target, context, transport, inbox, now, where } = exchange;
  const { observed } = where;
  const { port: hostPort, address: hostAddress } = transport.local;
  const invitation = formatInvitation({
    kind: image.kind,
    hostPort,
    sizeBytes: image.sizeBytes,
    md5: image.md5,
  });
  let authentication = '';
  let candidates: readonly Candidate[] = [];
  let connection: Connection | undefined;
  let [state, actions] = handshakes.startHandshake(now());

  for (;;) {
    for (const action of actions) {
      switch (action.type) {
        case 'invite':
          observed.invitations += 1;
          if (!action.isRepeat)
            context.tell({ type: 'invited', attempt: action.attempt, hostAddress, hostPort });
          transport.send(invitation);
          break;
        case 'respond': {
          candidates = candidatesFor(target.credential, action.nonce);
          const candidate = candidates[action.candidate];
          if (target.credential.type === 'none') throw failures.passwordRequired(where);
          if (candidate === undefined) throw failures.passwordWrong(where, 'hash-unfit');
          const cnonce = randomCnonce(action.nonce);
          const response = await respond({ candidate, nonce: action.nonce, cnonce });
          if (signal.aborted) throw cancelled(signal);
          authentication = formatAuthentication({ cnonce, response });
          transport.send(authentication);
          state = handshakes.authenticationSent(state, now(), candidates.length);
          break;
        }
        case 'repeat-authentication':
          transport.send(authentication);
          break;
        case 'agreed': {
          context.tell({ type: 'authenticated', scheme: handshakes.agreedScheme(state, candidates) });
          const { roundTripMs } = state;
          return {
            ...(roundTripMs === undefined ? {} : { roundTripMs }),
            ...(connection === undefined ? {} : { connection }),
          };
        }
        case 'refused':
          throw failures.refused(where, action);
        case 'password-wrong':
          throw failures.passwordWrong(where, 'refused');
        case 'no-protocol':
          throw failures.noProtocol(where, action.text);
        case 'silent':
          throw failures.silent(where, action.afterChallenge);
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
async function connectBack(exchange: Exchange, image: Image, signal: AbortSignal): Promise<Connection> {
  const { target, inbox, now, where } = exchange;
  const untilMs = now() + connectBackLimitMs;
  for (;;) {
    const input = await inbox.next({ untilMs, signal });
    if (input === undefined) throw failures.connectBackMissing(where, image, connectBackLimitMs);
    if (input.type === 'connection' && isAcceptable(input.connection, exchange)) return input.connection;
    if (input.type === 'datagram' && isFrom(input.from, target)) {
      where.observed.datagramsReceived += 1;
      const answer = parseAnswer(input.bytes);
      if (answer.type === 'refused') throw failures.refused(where, answer);
    } else note(input, where.observed);
  }
}

function accepted({ context, now }: Exchange, image: Image, startedAtMs: number): Receipt {
  const receipt: Receipt = {
    durationMs: Math.round(now() - startedAtMs),
    sizeBytes: image.sizeBytes,
    sentBytes: image.bytes.length,
  };
  context.tell({ type: 'accepted', ...receipt });
  return receipt;
}

function note(input: Input, observed: failures.Observed): void {
  if (input.type !== 'undeliverable' || observed.undeliverable.includes(input.code)) return;
  observed.undeliverable.push(input.code);
}

function isFrom(from: { address: string; port: number }, target: Target): boolean {
  return sameAddress(from.address, target.address) && from.port === target.port;
}

function isAcceptable(connection: Connection, { target, context, where }: Exchange): boolean {
  if (target.acceptFrom === 'any' || sameAddress(connection.address, target.address)) return true;
  connection.reset();
  where.observed.foreignConnections.push(connection.address);
  context.tell({
    type: 'log',
    level: 'warn',
    message: `Turned away a connection from ${connection.address}.`,
  });
  return false;
}

/** The same address, written with or without the IPv4-in-IPv6 prefix and the zone of a link-local one. */
function sameAddress(one: string, other: string): boolean {
  return plain(one) === plain(other);
}

function plain(address: string): string {
  return address
    .toLowerCase()
    .replace(/^::ffff:(?=\d+\.)/, '')
    .replace(/%.*$/, '');
}

function limitOf(
  image: Image,
  options: SendOptions,
  target: Target,
): { signal: AbortSignal; clear: () => void } {
  const timeoutMs = options.timeoutMs ?? 60_000 + (image.sizeBytes * 1000) / slowestBytesPerSecond;
  const controller = new AbortController();
  const timer = setTimeout(() => {
    const message = `${failures.deviceText(target)} was not done within ${Math.round(timeoutMs / 1000)} s.`;
    controller.abort(new OtaError('TIMEOUT', message, { details: { timeoutMs } }));
  }, timeoutMs);
  return { signal: controller.signal, clear: () => clearTimeout(timer) };
}
