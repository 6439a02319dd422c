/** Where a device is on the network: the UDP port that takes updates, and the announcement of it. */

import type { Air, Datagram, OpenAir, Peer } from './air.ts';
import { announce, type Announcer } from './announce.ts';
import type { VirtualDeviceEventBody } from './events.ts';
import type { Faults } from './faults.ts';
import type { Link } from './models.ts';
import type { Service } from './records.ts';
import type { Timeline } from './timeline.ts';
import { messageOf } from '../model/errors.ts';

export interface PresenceParts {
  readonly openAir: OpenAir;
  readonly link: Link;
  readonly timeline: Timeline;
  readonly faults: Faults;
  readonly announces: boolean;
  /** What it announces from now on, but for the port. */
  readonly service: () => Omit<Service, 'port'>;
  readonly receive: (datagram: Datagram) => void;
  readonly lost: (direction: 'in' | 'out', text: string) => void;
  readonly tell: (event: VirtualDeviceEventBody) => void;
}

export class Presence {
  address = '';
  port = 0;

  readonly #parts: PresenceParts;
  #air: Air | undefined;
  #announcer: Announcer | undefined;
  #isFiltered = false;
  #closed = false;

  constructor(parts: PresenceParts) {
    this.#parts = parts;
  }

  /** @throws OtaError `HOST_PORT_IN_USE` or `USAGE` when it cannot listen there. */
  async listen(at: Peer): Promise<void> {
    const { openAir, link, timeline, receive, lost } = this.#parts;
    const air = await openAir({ host: at.address, port: at.port, link, timeline, receive, lost });
    const before = this.#air;
    this.#air = air;
    this.address = air.address;
    this.port = air.port;
    await Promise.all([before?.close(), ...(this.#closed ? [air.close()] : [])]);
  }

  send(text: string, to: Peer, atMs: number): void {
    this.#air?.send(text, to, atMs);
  }

  /** Announces itself; without a word where it was not asked to. */
  async announce(): Promise<void> {
    const { announces, faults, service, tell } = this.#parts;
    if (!announces) return;
    this.#isFiltered = faults.multicastFiltered === true;
    const announcer = await announce({
      service: { ...service(), port: this.port },
      isFiltered: this.#isFiltered,
      host: this.address,
      announced: () => tell({ type: 'announced' }),
      failed: (reason) => tell({ type: 'announce-failed', reason }),
    });
    this.#announcer = announcer;
    if (this.#closed) await announcer.close();
  }

  /** The device is not there any more; it says goodbye only where a fault wants it. */
  silence(): void {
    this.#announcer?.silence({ goodbye: this.#parts.faults.saysGoodbye === true });
  }

  /** Whether it is to be somewhere else, or heard in another way, once it has booted. */
  get isToMove(): boolean {
    const { announces, faults } = this.#parts;
    const { address, port } = this.#destination();
    const isFiltered = faults.multicastFiltered === true;
    return address !== this.address || port !== this.port || (announces && isFiltered !== this.#isFiltered);
  }

  /** Listens where the faults say; `return` announces it. Stays where that is impossible. */
  async move(): Promise<void> {
    const { tell } = this.#parts;
    const to = this.#destination();
    // A restart says no goodbye.
    this.#announcer?.silence();
    await this.#announcer?.close();
    this.#announcer = undefined;
    if (to.address === this.address && to.port === this.port) return;
    try {
      await this.listen(to);
      tell({ type: 'moved', address: this.address, port: this.port });
    } catch (error) {
      tell({ type: 'move-failed', reason: messageOf(error) });
    }
  }

  #destination(): Peer {
    const { returnsAtAddress, returnsAtPort } = this.#parts.faults;
    return { address: returnsAtAddress ?? this.address, port: returnsAtPort ?? this.port };
  }

  /** It has booted. */
  return(): void {
    const { service } = this.#parts;
    if (this.#announcer === undefined) void this.announce();
    else this.#announcer.resume({ ...service(), port: this.port });
  }

  /** Nothing listens at the port any more. */
  async closePort(): Promise<void> {
    const air = this.#air;
    this.#air = undefined;
    await air?.close();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([this.closePort(), this.#announcer?.close()]);
  }
}
