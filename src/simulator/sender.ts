/**
 * The host's end of the link, as its kernel behaves, and the device's window: it holds what the window does not let out, and learns of a wider
 * window half a round trip late. Pure.
 */

export interface SenderOptions {
  readonly roundTripMs: number;
  readonly windowBytes: number;
  readonly segmentBytes: number;
}

/** How the host left: `end` after its last byte, `reset` at once. */
export type Farewell = 'end' | 'reset';

/** What reaches the device at one instant. */
export interface Arrivals {
  readonly bytes: number;
  readonly farewell: Farewell | undefined;
}

export class Sender {
  readonly #segmentBytes: number;
  readonly #halfTripMs: number;
  readonly #leastUpdateBytes: number;
  #windowBytes: number;
  #unannouncedBytes = 0;
  #unsentBytes = 0;
  #endAfterUnsent = false;
  readonly #inFlight: { atMs: number; bytes: number; farewell?: Farewell }[] = [];
  readonly #windowUpdates: { atMs: number; bytes: number }[] = [];

  constructor({ roundTripMs, windowBytes, segmentBytes }: SenderOptions) {
    this.#halfTripMs = roundTripMs / 2;
    this.#windowBytes = windowBytes;
    this.#segmentBytes = segmentBytes;
    this.#leastUpdateBytes = Math.min(segmentBytes, windowBytes / 2);
  }

  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  get nextDueMs(): number {
    const arrivalMs = this.#inFlight[0]?.atMs ?? Number.POSITIVE_INFINITY;
    return Math.min(arrivalMs, this.#windowUpdates[0]?.atMs ?? Number.POSITIVE_INFINITY);
  }

  offer(bytes: number, atMs: number): void {
    this.#unsentBytes += bytes;
    this.#send(atMs);
  }

  end(atMs: number): void {
    this.#endAfterUnsent = true;
    this.#send(atMs);
  }

  /** What has not left never will. */
  reset(atMs: number): void {
    this.#unsentBytes = 0;
    this.#endAfterUnsent = false;
    this.#inFlight.push({ atMs: atMs + this.#halfTripMs, bytes: 0, farewell: 'reset' });
  }

  /** The device has read `bytes` at `atMs`: so many more fit. */
  openWindow(bytes: number, atMs: number): void {
    this.#unannouncedBytes += bytes;
    // lwIP announces a wider window only when a segment, or half the window, fits more (`tcp_update_rcv_ann_wnd`).
    if (this.#unannouncedBytes < this.#leastUpdateBytes) return;
    this.#windowUpdates.push({ atMs: atMs + this.#halfTripMs, bytes: this.#unannouncedBytes });
    this.#unannouncedBytes = 0;
  }

  /** Everything that is due at `atMs`: segments sent together arrive together. */
  advance(atMs: number): Arrivals {
    for (let next = this.#windowUpdates[0]; next && next.atMs <= atMs; next = this.#windowUpdates[0]) {
      this.#windowUpdates.shift();
      this.#windowBytes += next.bytes;
      this.#send(atMs);
    }
    let bytes = 0;
    let farewell: Farewell | undefined;
    for (let next = this.#inFlight[0]; next && next.atMs <= atMs; next = this.#inFlight[0]) {
      this.#inFlight.shift();
      bytes += next.bytes;
      farewell = next.farewell ?? farewell;
    }
    return { bytes, farewell };
  }

  #send(atMs: number): void {
    while (this.#unsentBytes > 0) {
      // A short segment fills the window to its edge, as Linux sends it (`tcp_mss_split_point`).
      const bytes = Math.min(this.#segmentBytes, this.#unsentBytes, this.#windowBytes);
      if (bytes === 0) return;
      this.#unsentBytes -= bytes;
      this.#windowBytes -= bytes;
      this.#inFlight.push({ atMs: atMs + this.#halfTripMs, bytes });
    }
    if (!this.#endAfterUnsent) return;
    this.#endAfterUnsent = false;
    this.#inFlight.push({ atMs: atMs + this.#halfTripMs, bytes: 0, farewell: 'end' });
  }
}
