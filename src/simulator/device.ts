/**
 * A device that takes updates over the air, and nothing else. Its states are those of `exchange.ts`; an update that
 * went well leads over `rebooting` to `idle`, any other straight there.
 */

import { randomBytes } from 'node:crypto';

import { openAir, type Air, type Datagram, type OpenAir, type Peer } from './air.ts';
import { announce, type Announcer } from './announce.ts';
import { storedHash, tokenLength, verifyProof, type VerifyProof } from './auth.ts';
import { Attempt, type AttemptParts } from './attempt.ts';
import { createCaller, type Caller } from './caller.ts';
import { createEventFeed, type EventFeed, type Update, type VirtualDeviceEvent } from './events.ts';
import { react, type DeviceState, type ReceivedInvitation, type ExchangeStep } from './exchange.ts';
import type { Faults } from './faults.ts';
import { linkOf, modelFacts, type Link, type Model, type ModelFacts, type Timing } from './models.ts';
import { createSketchLoop, type SketchLoop } from './sketch-loop.ts';
import { createStorage, type Firmware, type Storage } from './storage.ts';
import { createTimeline, type Timeline } from './timeline.ts';
import { garbage } from './upload.ts';
import { noCounts, type Counters, type VirtualDevice, type VirtualDeviceOptions } from './virtual-device.ts';

/**
 * Starts a virtual device; it listens when this resolves.
 *
 * @throws OtaError `HOST_PORT_IN_USE` or `USAGE` when it cannot listen there.
 */
export function startVirtualDevice(options: VirtualDeviceOptions = {}): Promise<VirtualDevice> {
  return startDevice(options, { timeline: createTimeline(), openAir, caller: createCaller(), verifyProof });
}

/** The clock, the network and the arithmetic of a device. */
export interface DeviceParts {
  readonly timeline: Timeline;
  readonly openAir: OpenAir;
  readonly caller: Caller;
  readonly verifyProof: VerifyProof;
}

/** A virtual device over given parts: in virtual time, over a network that a test has made up. */
export async function startDevice(options: VirtualDeviceOptions, parts: DeviceParts): Promise<VirtualDevice> {
  const device = new Device(options, parts);
  await device.open(options);
  return device;
}

/** Between a datagram and its duplicate. */
const duplicateMs = 20;

class Device implements VirtualDevice {
  readonly name: string;
  readonly model: Model;
  readonly faults: Faults;
  readonly counters: Counters = noCounts();
  readonly updates: Update[] = [];
  readonly waitFor: EventFeed['waitFor'];
  address = '';
  port = 0;
  state: DeviceState = 'idle';

  readonly #facts: ModelFacts;
  readonly #link: Link;
  readonly #timing: Timing;
  readonly #passwordHash: string | undefined;
  readonly #timeline: Timeline;
  readonly #openAir: OpenAir;
  readonly #verifyProof: VerifyProof;
  readonly #loop: SketchLoop;
  readonly #storage: Storage;
  readonly #feed: EventFeed;
  /** What every attempt to update works with. */
  readonly #parts: Omit<AttemptParts, 'address' | 'answer'>;
  #air: Air | undefined;
  #announcement: Announcer | undefined;
  #attempt: Attempt | undefined;
  #invitation: { invitation: ReceivedInvitation; from: Peer; nonce: string } | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: VirtualDeviceOptions, parts: DeviceParts) {
    this.model = options.model ?? 'esp8266';
    this.name = options.name ?? 'virtual';
    this.faults = { ...options.faults };
    this.#facts = modelFacts[this.model];
    this.#link = linkOf(this.#facts, options.link);
    this.#timing = { ...this.#facts.timing, ...options.timing };
    this.#passwordHash = storedHash(this.#facts.auth, options);
    this.#timeline = parts.timeline;
    this.#openAir = parts.openAir;
    this.#verifyProof = parts.verifyProof;
    this.#loop = createSketchLoop({
      timeline: this.#timeline,
      loopMs: this.#timing.loopMs,
      queuedDatagrams: this.#link.queuedDatagrams,
      take: (datagram) => this.#take(datagram),
    });
    this.#storage = createStorage(this.#facts);
    this.#feed = createEventFeed(this.name, options.tell);
    this.waitFor = this.#feed.waitFor;
    this.#parts = {
      facts: this.#facts,
      link: this.#link,
      flash: { ...this.#facts.flash, ...options.flash },
      timing: this.#timing,
      faults: this.faults,
      timeline: this.#timeline,
      storage: this.#storage,
      counters: this.counters,
      caller: parts.caller,
      tell: this.#feed.tell,
      ended: (update, atMs) => this.#ended(update, atMs),
    };
  }

  get running(): Firmware | undefined {
    return this.#storage.running;
  }

  get filesystem(): Uint8Array | undefined {
    return this.#storage.filesystem;
  }

  async open(options: VirtualDeviceOptions): Promise<void> {
    this.#air = await this.#openAir({
      host: options.host ?? '127.0.0.1',
      port: options.port ?? 0,
      link: this.#link,
      timeline: this.#timeline,
      receive: (datagram) => this.#receive(datagram),
      lost: (direction, text) => this.#lose(direction, text),
    });
    this.address = this.#air.address;
    this.port = this.#air.port;
    const { model, address, port } = this;
    this.#feed.tell({ type: 'listening', model, address, port, password: this.#passwordHash !== undefined });
    if (this.faults.safeMode) await this.#closeAir();
    if (!options.announce) return;
    this.#announcement = await announce({
      service: {
        name: this.name,
        board: this.#facts.board,
        password: this.#passwordHash !== undefined,
        port,
      },
      host: address,
      announced: () => this.#feed.tell({ type: 'announced' }),
      failed: (reason) => this.#feed.tell({ type: 'announce-failed', reason }),
    });
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#timeline.close();
    this.#attempt?.abandon();
    this.#parts.caller.close();
    await Promise.all([this.#closeAir(), this.#announcement?.close()]);
    this.#feed.tell({ type: 'closed' });
  }

  async #closeAir(): Promise<void> {
    const air = this.#air;
    this.#air = undefined;
    await air?.close();
  }

  #receive(datagram: Datagram): void {
    const { text } = datagram;
    this.counters.datagrams += 1;
    if (/^ *200 /.test(text) && this.#useUp('lostAuthentications')) return this.#lose('in', text);
    if (/^ *(?:0|100) /.test(text) && this.#useUp('lostInvitations')) return this.#lose('in', text);
    if (this.faults.silent) return this.#ignore('silent');
    if (this.state === 'rebooting') return this.#ignore('rebooting');
    if (!this.#loop.arrive(datagram)) this.#lose('in', text);
  }

  #take(datagram: Datagram): void {
    const { state, step } = react(this.state, datagram.text, { tokenLength: tokenLength(this.#facts.auth) });
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
    this.counters.invitations += 1;
    const { command, sizeBytes, md5, hostPort } = invitation;
    this.#feed.tell({
      type: 'invited',
      command,
      sizeBytes,
      md5,
      hostAddress: from.address,
      hostPort,
      udpPort: from.port,
    });
    if (this.faults.garbageOverUdp) return this.#answer(garbage, from, atMs);
    const nonce = randomBytes(tokenLength(this.#facts.auth) / 2).toString('hex');
    this.#invitation = { invitation, from, nonce };
    if (this.#passwordHash === undefined) return this.#begin(invitation, from, atMs);
    this.state = 'waiting-for-auth';
    this.#feed.tell({ type: 'challenged', nonce });
    this.#answer(`AUTH ${nonce}`, from, atMs);
  }

  async #check(
    { cnonce, response }: Extract<ExchangeStep, { type: 'check' }>,
    { from, atMs }: Datagram,
  ): Promise<void> {
    if (!this.#invitation || this.#passwordHash === undefined) return;
    this.counters.authentications += 1;
    const { invitation, nonce } = this.#invitation;
    const to = this.#facts.answers === 'invitation' ? this.#invitation.from : from;
    const proven = await this.#verifyProof(this.#facts.auth, this.#passwordHash, { nonce, cnonce, response });
    if (this.#closed) return;
    if (proven) {
      this.#feed.tell({ type: 'authenticated' });
      this.#begin(invitation, to, atMs);
      return;
    }
    this.counters.failedAuthentications += 1;
    this.state = 'idle';
    this.#feed.tell({ type: 'authentication-failed' });
    this.#answer('Authentication Failed', to, atMs);
  }

  #begin(invitation: ReceivedInvitation, host: Peer, atMs: number): void {
    this.state = 'updating';
    if (this.#facts.saysOk === 'before-open') this.#answer('OK', host, atMs);
    const answer = (text: string, dueMs: number): void => this.#answer(text, host, dueMs);
    this.#loop.begin((beginsMs) => {
      this.#attempt = new Attempt(
        { ...this.#parts, address: this.address, previousError: this.#previousError(), answer },
        { invitation, host: host.address, atMs: beginsMs },
      );
    }, atMs);
  }

  #previousError(): string | undefined {
    const answer = this.updates.at(-1)?.answer;
    return answer?.startsWith('ERROR[') === true ? answer : undefined;
  }

  #ended(update: Update, atMs: number): void {
    this.#attempt = undefined;
    const { result, command, bytes } = update;
    const hasDipped = result === 'interrupted' && bytes.length === this.faults.restartsAtBytes;
    if (hasDipped) this.#reboot(atMs);
    else if (result !== 'accepted' && result !== 'staged') this.state = 'idle';
    else {
      if (command === 0 && !this.faults.bootsOldImage) this.#storage.stage(bytes);
      this.#reboot(atMs);
    }
    this.updates.push(update);
    this.#feed.tell({ type: 'update-ended', update });
    if (this.state === 'rebooting') this.#feed.tell({ type: 'rebooting' });
    // The same `handle()` goes on with what has come meanwhile.
    else this.#loop.resume(atMs);
  }

  #reboot(atMs: number): void {
    this.state = 'rebooting';
    this.#loop.clear();
    this.counters.reboots += 1;
    this.#announcement?.silence();
    if (this.faults.neverReturns) return;
    this.#timeline.at(atMs + this.#timing.rebootMs, () => {
      const changed = this.#storage.boot();
      this.state = 'idle';
      this.#loop.resume(atMs + this.#timing.rebootMs);
      const { md5 = '', sizeBytes = 0 } = this.running ?? {};
      this.#feed.tell({ type: 'runs', md5, sizeBytes, changed });
      this.#announcement?.resume();
    });
  }

  #answer(text: string, to: Peer, atMs: number): void {
    if (text === 'OK' && this.#useUp('lostOks')) return this.#lose('out', text);
    if (text.startsWith('AUTH ') && this.#useUp('lostChallenges')) return this.#lose('out', text);
    this.counters.answers += 1;
    this.#air?.send(text, to, atMs);
    const again =
      (text === 'OK' && this.faults.duplicatedOk) ||
      (text.startsWith('AUTH ') && this.faults.duplicatedChallenge);
    if (again) this.#air?.send(text, to, atMs + duplicateMs);
  }

  #ignore(reason: Extract<VirtualDeviceEvent, { type: 'ignored' }>['reason']): void {
    this.counters.ignoredDatagrams += 1;
    this.#feed.tell({ type: 'ignored', reason });
  }

  #lose(direction: 'in' | 'out', text: string): void {
    this.counters.lostDatagrams += 1;
    const [what = ''] = text.trim().split(' ');
    this.#feed.tell({ type: 'lost', direction, what });
  }

  #useUp(name: 'lostInvitations' | 'lostChallenges' | 'lostAuthentications' | 'lostOks'): boolean {
    const left = this.faults[name] ?? 0;
    if (left > 0) this.faults[name] = left - 1;
    return left > 0;
  }
}
