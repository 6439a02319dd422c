/** What a device prints on the connection of an update: counts, and its verdict. */

import type { Socket } from 'node:net';

import type { VirtualDeviceEventBody } from './events.ts';
import type { Faults } from './faults.ts';
import type { Link } from './models.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import type { Timeline } from './timeline.ts';

/** Between the bytes of a split verdict. */
const splitMs = 5;
/** Neither a number, nor `OK`, nor an error. */
export const garbage = '\u0000HTTP/1.1 400 Bad Request\r\n';

export interface PrinterOptions {
  readonly socket: Socket;
  readonly link: Link;
  readonly faults: Faults;
  readonly timeline: Timeline;
  readonly tell: (event: VirtualDeviceEventBody) => void;
}

/** Times are the device's; what is printed reaches the host half a round trip later. */
export class Printer {
  readonly #options: PrinterOptions;
  readonly #outbox: Outbox;

  constructor(options: PrinterOptions) {
    this.#options = options;
    this.#outbox = createOutbox(options.socket, options.timeline);
  }

  print(text: string, atMs: number): void {
    this.#outbox.print(this.#options.faults.garbageOverTcp ? garbage : text, this.#atHost(atMs));
  }

  say(verdict: string, atMs: number): void {
    const { faults, tell } = this.#options;
    tell({ type: 'verdict', text: verdict.trim() });
    if (!faults.splitVerdict) return this.print(verdict, atMs);
    for (const [index, letter] of [...verdict].entries()) this.print(letter, atMs + (index + 1) * splitMs);
  }

  /** How long it takes to say it. */
  sayingMs(text: string): number {
    return this.#options.faults.splitVerdict ? (text.length + 3) * splitMs : 0;
  }

  /** Closes the device's side, after all that was printed. */
  end(atMs: number): void {
    this.#outbox.end(this.#atHost(atMs));
  }

  #atHost(atMs: number): number {
    return atMs + this.#options.link.roundTripMs / 2;
  }
}
