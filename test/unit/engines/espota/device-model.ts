/** A device's side of the UDP exchange and the air between, in virtual time: for the tests of the handshake. */

import type { AuthScheme } from '../../../../src/model/events.ts';
import * as handshakes from '../../../../src/engines/espota/handshake.ts';
import { parseAnswer } from '../../../../src/engines/espota/messages.ts';

export interface World {
  /** What the sketch has stored fits this way of answering; `none`: an open device. `never`: the password is wrong. */
  readonly accepts: AuthScheme | 'never';
  /** Default: 32 for MD5, 64 else. */
  readonly nonceLength?: 32 | 64;
  /** Of one way. Default 5. */
  readonly delayMs?: number;
  /** Whether the n-th datagram (from 0, each way counted by itself) is lost. */
  readonly isLost?: (way: 'in' | 'out', index: number) => boolean;
  /** How much longer the n-th answer is on its way. */
  readonly lateMs?: (index: number) => number;
  /** Each datagram of the device arrives so often. Default 1. */
  readonly copies?: number;
  /** From the accepted authentication to the `OK`. Default 0. */
  readonly openMs?: number;
  /** What the device needs to check an authentication; datagrams wait that long. Default 0. */
  readonly checkMs?: number;
  /** What this host needs to answer a challenge. Default 10. */
  readonly respondMs?: number;
  /** In place of any answer. */
  readonly says?: string;
}

export interface Ending {
  readonly action: handshakes.Action;
  readonly atMs: number;
  readonly scheme: AuthScheme;
  readonly roundTripMs: number | undefined;
  /** What the device has seen. */
  readonly invitations: number;
  readonly authentications: number;
  /** Whether it has begun the update, heard or not. */
  readonly agreed: boolean;
  /** As people count. */
  readonly attempts: number;
}

const duplicateMs = 15;

/** Plays the exchange to its end. Throws when it has none. */
export function play(world: World): Ending {
  const { delayMs = 5, copies = 1, respondMs = 10, isLost = () => false, lateMs = () => 0 } = world;
  const nonceLength = world.nonceLength ?? (world.accepts === 'md5' || world.accepts === 'never' ? 32 : 64);
  const candidates: AuthScheme[] = nonceLength === 32 ? ['md5'] : ['sha256', 'sha256-md5'];
  const clock = createClock();
  const sentIndex = { in: 0, out: 0 };
  let invitations = 0;
  let authentications = 0;
  let attempts = 0;

  let device: 'idle' | 'waiting-for-auth' | 'updating' = 'idle';
  let deviceNonce = '';
  let nonces = 0;
  let deviceBusyUntilMs = 0;

  const answer = (text: string): void => {
    const index = sentIndex.out++;
    if (isLost('out', index)) return;
    for (let copy = 0; copy < copies; copy += 1) {
      const atMs = clock.now() + delayMs + lateMs(index) + copy * duplicateMs;
      clock.at(atMs, () => hear(text));
    }
  };
  const receive = (datagram: { nonce?: string; scheme?: AuthScheme }): void => {
    if (clock.now() < deviceBusyUntilMs) return clock.at(deviceBusyUntilMs, () => receive(datagram));
    if (datagram.nonce === undefined) invitations += 1;
    else authentications += 1;
    if (world.says !== undefined) return answer(world.says);
    if (device === 'updating') return;
    if (device === 'idle') {
      if (datagram.nonce !== undefined) return;
      if (world.accepts === 'none') return begin();
      device = 'waiting-for-auth';
      deviceNonce = String(++nonces).padStart(nonceLength, '0');
      return answer(`AUTH ${deviceNonce}`);
    }
    if (datagram.nonce === undefined) return void (device = 'idle');
    const isRight = datagram.nonce === deviceNonce && datagram.scheme === world.accepts;
    deviceBusyUntilMs = clock.now() + (world.checkMs ?? 0);
    // Decided now, said when it is computed.
    if (isRight) device = 'updating';
    else device = 'idle';
    clock.at(deviceBusyUntilMs, () => (isRight ? begin() : answer('Authentication Failed')));
  };
  const begin = (): void => {
    device = 'updating';
    clock.at(clock.now() + (world.openMs ?? 0), () => answer('OK'));
  };
  const send = (datagram: { nonce?: string; scheme?: AuthScheme }): void => {
    if (isLost('in', sentIndex.in++)) return;
    clock.at(clock.now() + delayMs, () => receive(datagram));
  };

  let [state, actions] = handshakes.startHandshake(0);
  let ending: Ending | undefined;
  let computing = false;
  let authentication: { nonce: string; scheme: AuthScheme } | undefined;
  const unheard: string[] = [];
  let wakes = 0;
  const act = (): void => {
    const doing = actions;
    actions = [];
    for (const action of doing) {
      switch (action.type) {
        case 'invite':
          if (!action.isRepeat) attempts += 1;
          send({});
          break;
        case 'respond':
          computing = true;
          clock.at(clock.now() + respondMs, () => {
            computing = false;
            const scheme = candidates[action.candidate];
            if (scheme === undefined) throw new Error(`There is no candidate ${action.candidate}.`);
            authentication = { nonce: action.nonce, scheme };
            send(authentication);
            state = handshakes.authenticationSent(state, clock.now(), candidates.length);
            for (const text of unheard.splice(0)) hear(text);
            wake();
          });
          break;
        case 'repeat-authentication':
          if (authentication !== undefined) send(authentication);
          break;
        default:
          ending ??= {
            action,
            atMs: clock.now(),
            scheme: handshakes.agreedScheme(
              state,
              candidates.map((scheme) => ({ scheme })),
            ),
            roundTripMs: state.roundTripMs,
            invitations,
            authentications,
            agreed: device === 'updating',
            attempts,
          };
      }
    }
    wake();
  };
  const wake = (): void => {
    const mine = ++wakes;
    clock.at(state.wakeAtMs, () => {
      if (mine !== wakes || computing) return;
      [state, actions] = handshakes.onTime(state, clock.now());
      act();
    });
  };
  const hear = (text: string): void => {
    if (computing) return void unheard.push(text);
    [state, actions] = handshakes.onAnswer(state, parseAnswer(Buffer.from(text)), clock.now());
    act();
  };
  act();
  while (ending === undefined && clock.now() < 120_000) clock.step();
  if (ending === undefined) throw new Error('The handshake has no end.');
  return ending;
}

function createClock(): { now(): number; at(atMs: number, run: () => void): void; step(): void } {
  const pending: { atMs: number; run: () => void }[] = [];
  let nowMs = 0;
  return {
    now: () => nowMs,
    at: (atMs, run) => {
      const index = pending.findIndex((other) => other.atMs > atMs);
      pending.splice(index === -1 ? pending.length : index, 0, { atMs, run });
    },
    step: () => {
      const next = pending.shift();
      if (next === undefined) throw new Error('Nothing is to happen any more.');
      nowMs = Math.max(nowMs, next.atMs);
      next.run();
    },
  };
}
