/**
 * A device that takes updates over the air, boots what it took, and says what runs. Its states are those of `exchange.ts`;
 * an update that went well leads over `rebooting` to `idle`, any other straight there. `life.ts` has the boots.
 */

import { openAir, type OpenAir, type Peer } from './air.ts';
import { Attempt, type AttemptParts } from './attempt.ts';
import { storedHash, verifyProof, type VerifyProof } from './auth.ts';
import { createCaller, type Caller } from './caller.ts';
import { Conversation } from './conversation.ts';
import { createEventFeed, type EventFeed, type Update } from './events.ts';
import type { DeviceState, ReceivedInvitation } from './exchange.ts';
import type { Faults } from './faults.ts';
import { Life } from './life.ts';
import { linkOf, modelFacts, type Model, type ModelFacts } from './models.ts';
import { Presence } from './presence.ts';
import type { Service } from './records.ts';
import { proofOf, type BootedSketch } from './running.ts';
import { SketchPorts } from './sketch-ports.ts';
import { createStorage, type Firmware, type Storage } from './storage.ts';
import { createTimeline, type Timeline } from './timeline.ts';
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
  await device.open();
  return device;
}

class Device implements VirtualDevice {
  readonly name: string;
  readonly model: Model;
  readonly faults: Faults;
  readonly counters: Counters = noCounts();
  readonly updates: Update[] = [];
  readonly waitFor: EventFeed['waitFor'];

  readonly #options: VirtualDeviceOptions;
  readonly #facts: ModelFacts;
  readonly #passwordHash: string | undefined;
  readonly #timeline: Timeline;
  readonly #storage: Storage;
  readonly #feed: EventFeed;
  readonly #conversation: Conversation;
  readonly #presence: Presence;
  /** Undefined: the sketch serves nothing but updates. */
  readonly #ports: SketchPorts | undefined;
  readonly #life: Life;
  /** What every attempt to update works with. */
  readonly #parts: Omit<AttemptParts, 'address' | 'answer'>;
  #attempt: Attempt | undefined;
  #closed: Promise<void> | undefined;

  constructor(
    options: VirtualDeviceOptions,
    { timeline, openAir: open, caller, verifyProof: verify }: DeviceParts,
  ) {
    this.#options = options;
    this.model = options.model ?? 'esp8266';
    this.name = options.name ?? 'virtual';
    const facts = modelFacts[this.model];
    const faults: Faults = { ...options.faults };
    const timing = { ...facts.timing, ...options.timing };
    const link = linkOf(facts, options.link);
    this.faults = faults;
    this.#facts = facts;
    this.#passwordHash = storedHash(facts.auth, options);
    this.#timeline = timeline;
    this.#storage = createStorage(facts, options);
    this.#feed = createEventFeed(this.name, options.tell);
    this.waitFor = this.#feed.waitFor;
    const { counters } = this;
    const shared = { facts, link, timing, faults, timeline, counters, tell: this.#feed.tell };
    this.#conversation = new Conversation({
      ...shared,
      passwordHash: this.#passwordHash,
      verifyProof: verify,
      send: (text, to, atMs) => this.#presence.send(text, to, atMs),
      begin: (invitation, host, atMs) => this.#begin(invitation, host, atMs),
    });
    this.#presence = new Presence({
      ...shared,
      openAir: open,
      announces: options.announce === true,
      service: () => this.#service(),
      receive: (datagram) => this.#conversation.receive(datagram),
      lost: (direction, text) => this.#conversation.lose(direction, text),
    });
    const { web, logs } = options;
    if (web || logs) {
      const { name } = this;
      const { platform } = facts;
      const { tell } = this.#feed;
      this.#ports = new SketchPorts({ name, platform, timeline, web, logs, tell, sketch: () => this.sketch });
    }
    this.#parts = {
      ...shared,
      caller,
      flash: { ...facts.flash, ...options.flash },
      storage: this.#storage,
      ended: (update, atMs) => this.#ended(update, atMs),
    };
    this.#life = new Life({
      ...shared,
      options,
      storage: this.#storage,
      conversation: this.#conversation,
      presence: this.#presence,
      ports: this.#ports,
    });
  }

  get address(): string {
    return this.#presence.address;
  }

  get port(): number {
    return this.#presence.port;
  }

  get webPort(): number | undefined {
    return this.#ports?.webPort;
  }

  get logPort(): number | undefined {
    return this.#ports?.logPort;
  }

  get state(): DeviceState {
    return this.#conversation.state;
  }

  get sketch(): BootedSketch {
    return this.#life.sketch;
  }

  get running(): Firmware | undefined {
    return this.#storage.running;
  }

  get filesystem(): Uint8Array | undefined {
    return this.#storage.filesystem;
  }

  async open(): Promise<void> {
    const { host, port } = this.#options;
    await this.#presence.listen({ address: host ?? '127.0.0.1', port: port ?? 0 });
    const { model, address, port: listensAt } = this;
    const password = this.#passwordHash !== undefined;
    this.#feed.tell({ type: 'listening', model, address, port: listensAt, password });
    if (this.faults.safeMode) await this.#presence.closePort();
    await this.#ports
      ?.open(address)
      .catch((error: unknown) => this.close().then(() => Promise.reject(error)));
    this.#life.start(this.#timeline.now());
    await this.#presence.announce();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#conversation.close();
    this.#timeline.close();
    this.#attempt?.abandon();
    this.#parts.caller.close();
    this.#life.close();
    await this.#presence.close();
    this.#feed.tell({ type: 'closed' });
  }

  #service(): Omit<Service, 'port'> {
    const saysWhatRuns = this.#options.announcesRunning === true && !this.faults.withoutProof;
    return {
      name: this.name,
      board: this.#facts.board,
      password: this.#passwordHash !== undefined,
      ...(saysWhatRuns && { proof: proofOf(this.sketch, this.#facts.platform) }),
    };
  }

  #begin(invitation: ReceivedInvitation, host: Peer, atMs: number): void {
    const answer = (text: string, dueMs: number): void => this.#conversation.answer(text, host, dueMs);
    this.#attempt = new Attempt(
      { ...this.#parts, address: this.address, previousError: this.#previousError(), answer },
      { invitation, host: host.address, atMs },
    );
  }

  #previousError(): string | undefined {
    const answer = this.updates.at(-1)?.answer;
    return answer?.startsWith('ERROR[') === true ? answer : undefined;
  }

  #ended(update: Update, atMs: number): void {
    this.#attempt = undefined;
    const { result, command, bytes } = update;
    const hasDipped = result === 'interrupted' && bytes.length === this.faults.restartsAtBytes;
    const isTaken = result === 'accepted' || result === 'staged';
    if (isTaken && command === 0 && !this.faults.bootsOldImage) this.#storage.stage(bytes);
    if (isTaken) this.#life.restart({ reason: this.faults.bootReason ?? 'software', isUpdate: true, atMs });
    else if (hasDipped) this.#life.restart({ reason: 'brownout', isUpdate: false, atMs });
    else this.#conversation.state = 'idle';
    this.updates.push(update);
    this.#feed.tell({ type: 'update-ended', update });
    if (this.state === 'rebooting') this.#feed.tell({ type: 'rebooting' });
    else this.#life.goOn(atMs);
  }
}
