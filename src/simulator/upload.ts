/**
 * One connection to the host: the real socket on one side, the computed link and flash (`Transfer`) on the other.
 * Whatever the host sends is taken at once, as a kernel would; the computation says when the device gets it.
 */

import type { Socket } from 'node:net';

import type { Update, UpdateResult, VirtualDeviceEventBody } from './events.ts';
import type { ReceivedInvitation } from './exchange.ts';
import type { Faults } from './faults.ts';
import { failsAtFirstSector, updaterComplaint } from './firmware.ts';
import type { Flash, Link, ModelFacts, Timing } from './models.ts';
import { Printer } from './printer.ts';
import type { Timeline } from './timeline.ts';
import type { Emission } from './emission.ts';
import type { Transfer } from './transfer.ts';

/** A kernel's send buffer grows to this on Linux (`net.ipv4.tcp_wmem`): more is left in the socket. */
const waitingLimitBytes = 4 * 1024 * 1024;
/** What an upload shares with the device around it. */
export interface UploadParts {
  readonly facts: ModelFacts;
  readonly link: Link;
  readonly flash: Flash;
  readonly timing: Timing;
  readonly faults: Faults;
  readonly timeline: Timeline;
  readonly tell: (event: VirtualDeviceEventBody) => void;
  /** Called once, when the device has left the update behind it. */
  readonly ended: (update: Update, atMs: number) => void;
}

interface UploadOptions extends UploadParts {
  readonly socket: Socket;
  readonly invitation: ReceivedInvitation;
  /** The computed link and flash, from when the connection was up. */
  readonly transfer: Transfer;
  /** Called for each part that is in the flash for good. */
  readonly written: (bytes: Uint8Array, offset: number) => void;
}

export class Upload {
  readonly #options: UploadOptions;
  readonly #transfer: Transfer;
  readonly #printer: Printer;
  readonly #image: Buffer;
  #deliveredBytes = 0;
  #wake: () => void = () => {};
  #hostGone = false;
  /** The update is over; what still comes over the socket is of no interest. */
  #over = false;
  /** All is in the flash; the verdict is on its way. */
  #complete = false;
  #verdictSaid = false;
  #writeFailure = 'Flash Write Failed';
  #countedBytes = 0;

  constructor(options: UploadOptions) {
    const { socket, timeline } = options;
    this.#options = options;
    this.#printer = new Printer(options);
    this.#image = Buffer.alloc(options.invitation.sizeBytes);
    this.#transfer = options.transfer;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#deliver(chunk));
    socket.on('end', () => this.#hostLeft('end'));
    socket.on('error', () => this.#hostLeft('reset'));
    socket.on('close', () => this.#hostLeft('reset'));
    this.#advance(timeline.now());
  }

  /** The device loses its power. */
  abandon(): void {
    this.#over = true;
    this.#wake();
    this.#options.socket.destroy();
  }

  #deliver(chunk: Buffer): void {
    const { invitation, socket, facts, timeline } = this.#options;
    if (this.#over) return;
    const nowMs = timeline.now();
    this.#advance(nowMs);
    if (this.#deliveredBytes === 0 && failsAtFirstSector(invitation, chunk[0] ?? 0, facts)) {
      this.#writeFailure = 'Wrong Magic Byte';
      this.#transfer.failAt(0);
    }
    chunk.copy(this.#image, this.#deliveredBytes);
    this.#deliveredBytes += chunk.length;
    this.#transfer.offer(chunk.length, nowMs);
    if (this.#transfer.unsentBytes > waitingLimitBytes) socket.pause();
    this.#advance(nowMs);
  }

  #hostLeft(how: 'end' | 'reset'): void {
    if (this.#hostGone || this.#over) return;
    this.#hostGone = how === 'reset';
    const nowMs = this.#options.timeline.now();
    this.#advance(nowMs);
    this.#transfer[how](nowMs);
    this.#advance(nowMs);
  }

  #advance(toMs: number): void {
    this.#wake();
    for (const emission of this.#transfer.advance(toMs)) if (!this.#over) this.#handle(emission);
    const { socket, timeline } = this.#options;
    if (socket.isPaused() && this.#transfer.unsentBytes < waitingLimitBytes / 2) socket.resume();
    if (!this.#over)
      this.#wake = timeline.at(this.#transfer.nextDueMs, (dueMs) => this.#advanceAtLeast(dueMs));
  }

  /** All that became due while this process was busy with something else happens in one go. */
  #advanceAtLeast(dueMs: number): void {
    this.#advance(Math.max(dueMs, this.#options.timeline.now()));
  }

  #handle(emission: Emission): void {
    const { atMs } = emission;
    switch (emission.type) {
      case 'count':
        this.#countedBytes += emission.bytes;
        return this.#printer.print(String(emission.bytes), atMs);
      case 'sector-written':
        return this.#sectorWritten(emission.writtenBytes);
      case 'halted':
        return this.#halted(atMs);
      case 'write-failed':
        return this.#writeFailed(atMs);
      case 'complete':
        return this.#judge(atMs);
      case 'gave-up':
        this.#printer.end(atMs);
        return this.#end('gave-up', atMs);
      case 'end-of-stream':
      case 'reset':
        return this.#connectionEnded(atMs);
      default:
        return emission satisfies never;
    }
  }

  #writeFailed(atMs: number): void {
    const { facts, socket, timeline, tell } = this.#options;
    // An RP2040 writes the image as a file: what fails is the room for it (protocol of arduino-pico's Updater).
    if (facts.platform === 'rp2040') return this.#reject('ERROR[4]: Not Enough Space', atMs);
    if (facts.platform !== 'esp32') return this.#reject('ERROR[1]: Flash Write Failed', atMs);
    if (this.#transfer.unreadBytes === 0) return this.#reject(this.#writeFailure, atMs);
    // It closes with unread input: lwIP then resets, and what was printed last is not sent any more.
    tell({ type: 'verdict', text: this.#writeFailure });
    timeline.at(this.#atHost(atMs), () => socket.resetAndDestroy());
    this.#end('rejected', atMs, this.#writeFailure);
  }

  #sectorWritten(writtenBytes: number): void {
    const { invitation, written, tell } = this.#options;
    const offset = Math.floor((writtenBytes - 1) / 4096) * 4096;
    written(this.#image.subarray(offset, writtenBytes), offset);
    tell({ type: 'received', receivedBytes: writtenBytes, sizeBytes: invitation.sizeBytes });
  }

  #halted(atMs: number): void {
    const { faults, socket, timeline, timing, tell } = this.#options;
    tell({ type: 'halted', receivedBytes: this.#transfer.receivedBytes });
    if (faults.closesAtBytes !== undefined) this.#printer.end(atMs);
    else if (faults.resetsAtBytes !== undefined)
      timeline.at(this.#atHost(atMs), () => socket.resetAndDestroy());
    else if (faults.restartsAtBytes !== undefined)
      // Only who runs again can say that it knows of no such connection.
      timeline.at(this.#atHost(atMs + timing.rebootMs), () => socket.resetAndDestroy());
    else if (faults.acceptsAtBytes !== undefined) return this.#acceptEarly(atMs);
    else return;
    this.#end('interrupted', atMs);
  }

  /** Counts what it has read, and says OK to an image that is not whole. */
  #acceptEarly(atMs: number): void {
    const { timing, timeline } = this.#options;
    const uncounted = this.#transfer.receivedBytes - this.#countedBytes;
    if (uncounted > 0) this.#printer.print(String(uncounted), atMs);
    const saidMs = atMs + timing.verdictDelayMs;
    timeline.at(saidMs, () => {
      if (!this.#over) this.#accept(saidMs);
    });
  }

  #judge(atMs: number): void {
    const { faults, timing, timeline } = this.#options;
    this.#complete = true;
    if (faults.stallsBeforeVerdict) {
      this.#complete = false;
      return;
    }
    if (faults.closesWithoutVerdict || faults.lostVerdict) {
      this.#printer.end(atMs);
      return this.#end(faults.lostVerdict ? 'staged' : 'interrupted', atMs);
    }
    const wrong = this.#complaint();
    // Only the OK has a pause of its own before it; an error is printed at once and may be glued to the last count.
    const pauseMs = wrong !== undefined || faults.gluedVerdict ? 0 : timing.verdictDelayMs;
    const saidMs = atMs + pauseMs + (faults.lateVerdictMs ?? 0);
    const say = (): void => {
      if (this.#over) return;
      if (wrong === undefined) this.#accept(saidMs);
      else this.#reject(wrong, saidMs);
    };
    if (saidMs === atMs) say();
    else timeline.at(saidMs, say);
  }

  #accept(atMs: number): void {
    const { timing, timeline } = this.#options;
    this.#printer.say('OK', atMs);
    this.#verdictSaid = true;
    const closedMs = atMs + timing.closeDelayMs + this.#printer.sayingMs('OK');
    timeline.at(closedMs, () => {
      this.#printer.end(closedMs);
      this.#end('accepted', closedMs, 'OK');
    });
  }

  #reject(text: string, atMs: number): void {
    this.#printer.say(`${text}\r\n`, atMs);
    this.#printer.end(atMs + this.#printer.sayingMs(text));
    this.#end('rejected', atMs, text);
  }

  #connectionEnded(atMs: number): void {
    // After the verdict the host may well leave first.
    if (this.#verdictSaid) return;
    // The device resets: its sketch sees a closed connection where it wanted to print (`protocol.md`, "Never half-close").
    const { socket, timeline } = this.#options;
    timeline.at(this.#atHost(atMs), () => socket.resetAndDestroy());
    this.#end(this.#complete && this.#complaint() === undefined ? 'staged' : 'interrupted', atMs);
  }

  #complaint(): string | undefined {
    const { facts, faults, flash, invitation } = this.#options;
    const delivery = { command: invitation.command, bytes: this.#image, md5: invitation.md5 };
    return updaterComplaint(delivery, { facts, flash, failsMd5: faults.failsMd5 === true });
  }

  #end(result: UpdateResult, atMs: number, answer?: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#wake();
    const { invitation, socket, ended } = this.#options;
    // Nobody reads any more, but an unread socket would never see the host's end.
    socket.resume();
    const receivedBytes = Math.min(this.#transfer.receivedBytes, invitation.sizeBytes);
    const bytes = this.#image.subarray(0, receivedBytes);
    const { command, sizeBytes, md5 } = invitation;
    ended(
      { command, sizeBytes, md5, receivedBytes, bytes, result, ...(answer !== undefined && { answer }) },
      atMs,
    );
  }

  #atHost(atMs: number): number {
    return atMs + this.#options.link.roundTripMs / 2;
  }
}
