/** The device's side of the exchange over UDP: which datagrams it gets to see, what it makes of them, what it answers. */

import { randomBytes } from 'node:crypto';

import type { Datagram, Peer } from './air.ts';
import { tokenLength, type VerifyProof } from './auth.ts';
import type { VirtualDeviceEvent, VirtualDeviceEventBody } from './events.ts';
import { react, type DeviceState, type ExchangeStep, type ReceivedInvitation } from './exchange.ts';
import type { Faults } from './faults.ts';
import type { Link, ModelFacts, Timing } from './models.ts';
import { createSketchLoop, type SketchLoop } from './sketch-loop.ts';
import type { Timeline } from './timeline.ts';
import { garbage } from './printer.ts';
import type { Counters } from './virtual-device.ts';

export interface ConversationParts {
  readonly facts: ModelFacts;
  readonly link: Link;
  readonly timing: Timing;
  readonly faults: Faults;
  readonly timeline: Timeline;
  readonly counters: Counters;
  readonly passwordHash: string | undefined;
  readonly verifyProof: VerifyProof;
  readonly tell: (event: VirtualDeviceEventBody) => void;
  readonly send: (text: string, to: Peer, atMs: number) => void;
  /** The device has accepted an invitation, and `handle()` begins with it. */
  readonly begin: (invitation: ReceivedInvitation, host: Peer, atMs: number) => void;
}

/** Between a datagram and its duplicate. */
const duplicateMs = 20;

export class Conversation {
  state: DeviceState = 'idle';

  readonly #parts: ConversationParts;
  readonly #loop: SketchLoop;
  #invitation: { invitation: ReceivedInvitation; from: Peer; nonce: string } | undefined;
  #closed = false;

  constructor(parts: ConversationParts) {
    const { timeline, timing, link } = parts;
    this.#parts = parts;
    this.#loop = createSketchLoop({
      timeline,
      loopMs: timing.loopMs,
      queuedDatagrams: link.queuedDatagrams,
      take: (datagram) => this.#take(datagram),
    });
  }

  receive(datagram: Datagram): void {
    const { text } = datagram;
    const { counters, faults } = this.#parts;
    counters.datagrams += 1;
    if (/^ *200 /.test(text) && this.#useUp('lostAuthentications')) return this.lose('in', text);
    if (/^ *(?:0|100) /.test(text) && this.#useUp('lostInvitations')) return this.lose('in', text);
    if (faults.silent) return this.#ignore('silent');
    if (this.state === 'rebooting') return this.#ignore('rebooting');
    if (!this.#loop.arrive(datagram)) this.lose('in', text);
  }

  answer(text: string, to: Peer, atMs: number): void {
    const { counters, faults, send } = this.#parts;
    if (text === 'OK' && this.#useUp('lostOks')) return this.lose('out', text);
    if (text.startsWith('AUTH ') && this.#useUp('lostChallenges')) return this.lose('out', text);
    counters.answers += 1;
    send(text, to, atMs);
    const again =
      (text === 'OK' && faults.duplicatedOk) || (text.startsWith('AUTH ') && faults.duplicatedChallenge);
    if (again) send(text, to, atMs + duplicateMs);
  }

  lose(direction: 'in' | 'out', text: string): void {
    const { counters, tell } = this.#parts;
    counters.lostDatagrams += 1;
    const [what = ''] = text.trim().split(' ');
    tell({ type: 'lost', direction, what });
  }

  /** The device is down: whatever waits is gone. */
  stop(): void {
    this.state = 'rebooting';
    this.#loop.clear();
  }

  /** `handle()` goes on, with what has come meanwhile. */
  resume(atMs: number): void {
    this.#loop.resume(atMs);
  }

  /** Whatever is still computed comes to nothing. */
  close(): void {
    this.#closed = true;
  }

  #take(datagram: Datagram): void {
    const length = tokenLength(this.#parts.facts.auth);
    const { state, step } = react(this.state, datagram.text, { tokenLength: length });
    this.state = state;
    switch (step.type) {
      case 'ignored':
        return this.#ignore(step.reason);
      case 'invited':
        return this.#invited(step.invitation, datagram);
      case 'check':
        return this.#loop.wait(this.#check(step, datagram));
      default:
        return step satisfies never;
    }
  }

  #invited(invitation: ReceivedInvitation, { from, atMs }: Datagram): void {
    const { counters, facts, faults, passwordHash, tell } = this.#parts;
    counters.invitations += 1;
    const { command, sizeBytes, md5, hostPort } = invitation;
    const [hostAddress, udpPort] = [from.address, from.port];
    tell({ type: 'invited', command, sizeBytes, md5, hostAddress, hostPort, udpPort });
    if (faults.garbageOverUdp) return this.answer(garbage, from, atMs);
    const nonce = randomBytes(tokenLength(facts.auth) / 2).toString('hex');
    this.#invitation = { invitation, from, nonce };
    if (passwordHash === undefined) return this.#begin(invitation, from, atMs);
    this.state = 'waiting-for-auth';
    tell({ type: 'challenged', nonce });
    this.answer(`AUTH ${nonce}`, from, atMs);
  }

  async #check(
    { cnonce, response }: Extract<ExchangeStep, { type: 'check' }>,
    { from, atMs }: Datagram,
  ): Promise<void> {
    const { counters, facts, passwordHash, verifyProof, tell } = this.#parts;
    if (!this.#invitation || passwordHash === undefined) return;
    counters.authentications += 1;
    const { invitation, nonce } = this.#invitation;
    const to = facts.answers === 'invitation' ? this.#invitation.from : from;
    const proven = await verifyProof(facts.auth, passwordHash, { nonce, cnonce, response });
    // A sketch that crashed meanwhile has forgotten it.
    if (this.#closed || this.state !== 'waiting-for-auth') return;
    if (proven) {
      tell({ type: 'authenticated' });
      this.#begin(invitation, to, atMs);
      return;
    }
    counters.failedAuthentications += 1;
    this.state = 'idle';
    tell({ type: 'authentication-failed' });
    this.answer('Authentication Failed', to, atMs);
  }

  #begin(invitation: ReceivedInvitation, host: Peer, atMs: number): void {
    this.state = 'updating';
    if (this.#parts.facts.saysOk === 'before-open') this.answer('OK', host, atMs);
    this.#loop.begin((beginsMs) => this.#parts.begin(invitation, host, beginsMs), atMs);
  }

  #ignore(reason: Extract<VirtualDeviceEvent, { type: 'ignored' }>['reason']): void {
    this.#parts.counters.ignoredDatagrams += 1;
    this.#parts.tell({ type: 'ignored', reason });
  }

  #useUp(name: 'lostInvitations' | 'lostChallenges' | 'lostAuthentications' | 'lostOks'): boolean {
    const { faults } = this.#parts;
    const left = faults[name] ?? 0;
    if (left > 0) faults[name] = left - 1;
    return left > 0;
  }
}
