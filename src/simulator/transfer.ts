/**
 * When do bytes arrive, when does the device read them, when does it say so? Pure: timestamps in, timestamps out.
 *
 *   host ──(window)── half a round trip ──► unread ──(reads)── buffer ──(4 KiB, msPerSector)──► flash
 *     ▲                                        │
 *     └──── half a round trip ── window update ┘
 *
 * Sockets on loopback deliver at once, so the link is computed here. Every due time follows from an earlier due time,
 * never from the clock: a caller that wakes late calls `advance` late and gets the same times.
 *
 * Left out, because it changes no figure that matters here: slow start (the windows are smaller than a sender's initial
 * 10 segments, save RP2040's), Nagle, lost segments, bit rate of the air.
 */

import { Counts } from './counts.ts';
import type { Emission } from './emission.ts';
import { Sender, type Farewell, type SenderOptions } from './sender.ts';

/** Flash sector, and the size of the updater's buffer in all three cores. */
const sectorBytes = 4096;
/** The ESP32's ArduinoOTA reads into a buffer of this size and prints a count for each read. */
const readBytes = 1460;
/**
 * ESP8266 and RP2040 yield for 1 ms after each read before they look for more (`delay(1)` in `Updater.h`): only what
 * has not come by then counts as "run dry".
 */
const yieldMs = 1;

export interface DeviceTransferOptions extends SenderOptions {
  readonly sizeBytes: number;
  /** The device's connection was up; its patience (`silenceMs`) starts here. */
  readonly startMs: number;
  readonly msPerSector: number;
  /** `per-read`: ESP32. `when-dry`: ESP8266 and RP2040, one sum when nothing is left to read. */
  readonly counts: 'per-read' | 'when-dry';
  /** Without data for so long, the device gives up; absent: never. */
  readonly silenceMs?: number;
  /** Reads up to here and no further. */
  readonly haltAtBytes?: number;
  /** The write of the sector that holds this offset fails. */
  readonly failAtBytes?: number;
}

type Phase = 'reading' | 'writing' | 'halted' | 'done';

export class Transfer {
  readonly #options: DeviceTransferOptions;
  readonly #sender: Sender;
  readonly #emissions: Emission[] = [];
  readonly #counts = new Counts();

  #phase: Phase = 'reading';
  #offeredBytes = 0;
  #unreadBytes = 0;
  #bufferedBytes = 0;
  #receivedBytes = 0;
  #writtenBytes = 0;
  #failAtBytes: number;
  #farewell: Farewell | undefined;

  #writeEndsMs = Number.POSITIVE_INFINITY;
  #dryMs = Number.POSITIVE_INFINITY;
  #silentMs: number;

  constructor(options: DeviceTransferOptions) {
    this.#options = options;
    this.#sender = new Sender(options);
    this.#failAtBytes = options.failAtBytes ?? Number.POSITIVE_INFINITY;
    this.#silentMs = options.startMs + (options.silenceMs ?? Number.POSITIVE_INFINITY);
  }

  /** Bytes that the device has read. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** Bytes that the host has handed over and the device has not read, wherever they are. */
  get unreadBytes(): number {
    return this.#offeredBytes - this.#receivedBytes;
  }

  /** Bytes that are in the flash. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** Bytes that the host has handed over and that the window still holds back. */
  get unsentBytes(): number {
    return this.#sender.unsentBytes;
  }

  /** When something happens next if the host does nothing; infinity: never. */
  get nextDueMs(): number {
    return Math.min(this.#sender.nextDueMs, this.#writeEndsMs, this.#dryMs, this.#silentMs);
  }

  /** The host handed over `bytes` at `atMs`. Times of calls must not go backwards. */
  offer(bytes: number, atMs: number): void {
    this.#offeredBytes += bytes;
    this.#sender.offer(bytes, atMs);
  }

  /** The host closed its side: the end follows its last byte. */
  end(atMs: number): void {
    this.#sender.end(atMs);
  }

  /** The host reset the connection: what has not left it never will. */
  reset(atMs: number): void {
    this.#sender.reset(atMs);
  }

  /** From now on the write of the sector that holds `bytes` fails. */
  failAt(bytes: number): void {
    this.#failAtBytes = bytes;
  }

  /** Everything up to and including `toMs`, in order. */
  advance(toMs: number): Emission[] {
    for (let atMs = this.nextDueMs; atMs <= toMs; atMs = this.nextDueMs) this.#step(atMs);
    return this.#emissions.splice(0);
  }

  #step(atMs: number): void {
    const { bytes, farewell } = this.#sender.advance(atMs);
    this.#unreadBytes += bytes;
    this.#farewell = farewell ?? this.#farewell;
    if (this.#writeEndsMs <= atMs) this.#finishWrite(atMs);
    else if (bytes > 0 || farewell) this.#look(atMs);
    else if (this.#dryMs <= atMs) this.#runDry(atMs);
    else if (this.#silentMs <= atMs) this.#beSilent(atMs);
  }

  #look(atMs: number): void {
    if (this.#phase === 'writing') return;
    // A reset takes along what was not read yet.
    if (
      this.#farewell === 'reset' ||
      (this.#farewell === 'end' && (this.#phase === 'halted' || this.#phase === 'done'))
    ) {
      this.#closed(atMs);
    } else if (this.#phase === 'reading') this.#read(atMs);
  }

  #read(atMs: number): void {
    const { sizeBytes, counts } = this.#options;
    const haltAtBytes = this.#options.haltAtBytes ?? Number.POSITIVE_INFINITY;
    if (this.#unreadBytes > 0) {
      this.#dryMs = Number.POSITIVE_INFINITY;
      this.#silentMs = Number.POSITIVE_INFINITY;
      this.#counts.heard();
    }
    while (this.#unreadBytes > 0) {
      // The full buffer is written only when there is a byte more: the updaters compare with `>`.
      const room = counts === 'when-dry' ? sectorBytes - this.#bufferedBytes : readBytes;
      if (room === 0) return this.#startWrite(atMs);
      if (this.#receivedBytes >= haltAtBytes) return this.#halt(atMs);
      const bytes = Math.min(
        room,
        this.#unreadBytes,
        sizeBytes - this.#receivedBytes,
        haltAtBytes - this.#receivedBytes,
      );
      this.#take(bytes, atMs);
      if (this.#receivedBytes === sizeBytes || this.#bufferedBytes > sectorBytes)
        return this.#startWrite(atMs);
      if (counts === 'per-read') this.#count(atMs);
    }
    if (this.#receivedBytes >= haltAtBytes) return this.#halt(atMs);
    if (this.#farewell) return this.#closed(atMs);
    if (counts === 'when-dry' && this.#counts.hasUnprinted) this.#dryMs = atMs + yieldMs;
    this.#wait(atMs);
  }

  #take(bytes: number, atMs: number): void {
    this.#unreadBytes -= bytes;
    this.#bufferedBytes += bytes;
    this.#receivedBytes += bytes;
    this.#counts.read(bytes);
    this.#sender.openWindow(bytes, atMs);
  }

  #startWrite(atMs: number): void {
    this.#phase = 'writing';
    this.#writeEndsMs = atMs + this.#options.msPerSector;
  }

  #finishWrite(atMs: number): void {
    const { sizeBytes, counts } = this.#options;
    const bytes = Math.min(sectorBytes, this.#bufferedBytes);
    this.#writeEndsMs = Number.POSITIVE_INFINITY;
    if (this.#failAtBytes < this.#writtenBytes + bytes) return this.#failWrite(atMs);
    this.#bufferedBytes -= bytes;
    this.#writtenBytes += bytes;
    this.#emissions.push({ type: 'sector-written', atMs, writtenBytes: this.#writtenBytes });
    if (this.#receivedBytes === sizeBytes && this.#bufferedBytes > 0) return this.#startWrite(atMs);
    if (counts === 'per-read' || this.#writtenBytes === sizeBytes) this.#count(atMs);
    if (this.#writtenBytes === sizeBytes) {
      this.#emissions.push({ type: 'complete', atMs });
      this.#phase = 'done';
    } else {
      this.#phase = 'reading';
    }
    // What came during the write: more data, the end, a reset.
    if (this.#phase === 'reading' && this.#farewell !== 'reset') this.#read(atMs);
    else this.#look(atMs);
  }

  #failWrite(atMs: number): void {
    this.#bufferedBytes = 0;
    // An ESP32 prints a count only for what it has written.
    if (this.#options.counts === 'when-dry') this.#count(atMs);
    this.#emissions.push({ type: 'write-failed', atMs });
    this.#phase = 'done';
  }

  #count(atMs: number): void {
    const bytes = this.#counts.print();
    if (bytes > 0) this.#emissions.push({ type: 'count', atMs, bytes });
  }

  #wait(atMs: number): void {
    this.#silentMs = atMs + (this.#options.silenceMs ?? Number.POSITIVE_INFINITY);
  }

  #runDry(atMs: number): void {
    this.#dryMs = Number.POSITIVE_INFINITY;
    this.#count(atMs);
  }

  #beSilent(atMs: number): void {
    const bytes = this.#counts.printAgain();
    if (bytes > 0) {
      this.#emissions.push({ type: 'count', atMs, bytes });
      this.#wait(atMs);
      return;
    }
    this.#silentMs = Number.POSITIVE_INFINITY;
    this.#emissions.push({ type: 'gave-up', atMs });
    this.#phase = 'done';
  }

  #halt(atMs: number): void {
    this.#phase = 'halted';
    this.#dryMs = Number.POSITIVE_INFINITY;
    this.#silentMs = Number.POSITIVE_INFINITY;
    this.#emissions.push({ type: 'halted', atMs });
    if (this.#farewell) this.#closed(atMs);
  }

  #closed(atMs: number): void {
    this.#emissions.push({ type: this.#farewell === 'reset' ? 'reset' : 'end-of-stream', atMs });
    this.#farewell = undefined;
    this.#phase = 'done';
    this.#dryMs = Number.POSITIVE_INFINITY;
    this.#silentMs = Number.POSITIVE_INFINITY;
  }
}
