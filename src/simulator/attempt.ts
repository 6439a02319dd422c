/**
 * One attempt to update, from the accepted invitation to its end: open the flash, say `OK`, connect back, receive. All
 * of it happens inside one `handle()`, save the `OK` of an ESP32, which the round before has said.
 */

import type { Socket } from 'node:net';

import type { Caller } from './caller.ts';
import type { UpdateResult } from './events.ts';
import type { ReceivedInvitation } from './exchange.ts';
import { haltAtBytesOf } from './faults.ts';
import { refusal } from './firmware.ts';
import type { Storage } from './storage.ts';
import { Transfer } from './transfer.ts';
import { Upload, type UploadParts } from './upload.ts';
import type { Counters } from './virtual-device.ts';

/** ESP8266 and RP2040 are deaf for this long after an `ERR:` (`delay(100)` in ArduinoOTA.cpp). */
const afterRefusalMs = 100;

export interface AttemptParts extends UploadParts {
  readonly storage: Storage;
  readonly counters: Counters;
  readonly caller: Caller;
  /** Of the device. */
  readonly address: string;
  /** Of the update before, where that failed. */
  readonly previousError?: string | undefined;
  /** Sends a datagram to the host. */
  readonly answer: (text: string, atMs: number) => void;
}

interface Accepted {
  readonly invitation: ReceivedInvitation;
  /** Address to connect back to. */
  readonly host: string;
  /** When `handle()` begins with it. */
  readonly atMs: number;
}

export class Attempt {
  readonly #parts: AttemptParts;
  readonly #invitation: ReceivedInvitation;
  readonly #host: string;
  #upload: Upload | undefined;
  #abandoned = false;

  constructor(parts: AttemptParts, { invitation, host, atMs }: Accepted) {
    this.#parts = parts;
    this.#invitation = invitation;
    this.#host = host;
    const { facts, timing, timeline } = parts;
    const openMs = atMs + timing.openFlashMs;
    timeline.at(openMs, () => this.#open(openMs, facts.saysOk === 'before-open' ? atMs : openMs));
  }

  /** The device loses its power. */
  abandon(): void {
    this.#abandoned = true;
    this.#upload?.abandon();
  }

  #open(openMs: number, okMs: number): void {
    const { facts, flash, faults, timing, answer, previousError } = this.#parts;
    const refused = refusal(this.#invitation, { platform: facts.platform, flash, faults, previousError });
    if (refused !== undefined) return this.#refuse(refused, openMs);
    if (facts.saysOk === 'after-open') answer('OK', okMs);
    if (faults.neverConnects) return this.#fail('never-connected', openMs);
    const connectMs = okMs + timing.connectDelayMs + (faults.connectsLateMs ?? 0);
    this.#connectBack(Math.max(openMs, connectMs));
  }

  #refuse(text: string, atMs: number): void {
    const { facts, timeline, tell, answer } = this.#parts;
    tell({ type: 'refused', answer: text });
    if (facts.saysOk === 'before-open') return this.#fail('refused', atMs, text);
    answer(`ERR: ${text}\r\n`, atMs);
    const idleMs = atMs + afterRefusalMs;
    timeline.at(idleMs, () => this.#fail('refused', idleMs, text));
  }

  #connectBack(atMs: number): void {
    const { link, timeline } = this.#parts;
    // The device's SYN, the answer, and the last part of the handshake: the host has the connection 1.5 trips later.
    timeline.at(atMs + link.roundTripMs * 1.5, () => void this.#connect(atMs + link.roundTripMs));
  }

  async #connect(startMs: number): Promise<void> {
    const { address, caller, counters, faults, timeline, tell } = this.#parts;
    const host = this.#host;
    const hostPort = this.#invitation.hostPort & 0xffff;
    tell({ type: 'connecting', hostAddress: host, hostPort });
    if (faults.foreignConnection !== undefined) await this.#sendStranger(faults.foreignConnection, hostPort);
    if (this.#abandoned) return;
    const socket = await caller.call({ host, port: hostPort, from: address });
    if (this.#abandoned) return;
    if (!socket) return this.#fail('never-connected', timeline.now());
    counters.connections += 1;
    tell({ type: 'connected', hostAddress: host, hostPort });
    this.#receive(socket, startMs);
  }

  /** Somebody else who says what a host would love to hear. */
  async #sendStranger(from: string, port: number): Promise<void> {
    const { caller, counters, tell } = this.#parts;
    const socket = await caller.call({ host: this.#host, port, from });
    if (!socket) return;
    counters.foreignConnections += 1;
    tell({ type: 'foreign-connected', address: from });
    socket.on('error', () => {});
    socket.write('OK');
    socket.resume();
  }

  #receive(socket: Socket, startMs: number): void {
    const { storage } = this.#parts;
    const { command, sizeBytes } = this.#invitation;
    if (command === 100) storage.openFilesystem(sizeBytes);
    this.#upload = new Upload({
      ...this.#parts,
      socket,
      invitation: this.#invitation,
      transfer: this.#transfer(startMs),
      written: (bytes, offset) => {
        if (command === 100) storage.writeFilesystem(bytes, offset);
      },
    });
  }

  #transfer(startMs: number): Transfer {
    const { facts, faults, flash, link, timing } = this.#parts;
    const { roundTripMs, windowBytes, segmentBytes } = link;
    const haltAtBytes = haltAtBytesOf(faults);
    return new Transfer({
      sizeBytes: this.#invitation.sizeBytes,
      startMs,
      roundTripMs,
      windowBytes,
      segmentBytes,
      msPerSector: flash.msPerSector,
      counts: facts.counts,
      silenceMs: timing.silenceMs,
      ...(haltAtBytes !== undefined && { haltAtBytes }),
      ...(faults.errorAtBytes !== undefined && { failAtBytes: faults.errorAtBytes }),
    });
  }

  #fail(result: UpdateResult, atMs: number, answer?: string): void {
    const { command, sizeBytes, md5 } = this.#invitation;
    const nothing = { receivedBytes: 0, bytes: new Uint8Array() };
    const update = { command, sizeBytes, md5, ...nothing, result, ...(answer !== undefined && { answer }) };
    this.#parts.ended(update, atMs);
  }
}
