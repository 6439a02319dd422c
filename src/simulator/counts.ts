/** What a device has read and not said yet, and what it said last. Pure. */

/** How often an ESP32 prints its last count again before it gives up. */
const resends = 3;

export class Counts {
  #unprintedBytes = 0;
  #lastBytes = 0;
  #resent = 0;

  get hasUnprinted(): boolean {
    return this.#unprintedBytes > 0;
  }

  read(bytes: number): void {
    this.#unprintedBytes += bytes;
  }

  /** Data came: patience starts anew. */
  heard(): void {
    this.#resent = 0;
  }

  /** All that was read since the last count; 0: there is nothing to print. */
  print(): number {
    const bytes = this.#unprintedBytes;
    if (bytes > 0) this.#lastBytes = bytes;
    this.#unprintedBytes = 0;
    return bytes;
  }

  /** The last count once more; 0: it was printed often enough, or never. */
  printAgain(): number {
    if (this.#resent >= resends) return 0;
    this.#resent += 1;
    return this.#lastBytes;
  }
}
