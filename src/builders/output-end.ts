import { stripVTControlCharacters } from 'node:util';
import { printableLines } from '../model/printable.ts';

const KEPT_BYTES = 64 * 1024;

/** The end of what a tool printed: enough for an error message, however much it was. */
export class OutputEnd {
  #chunks: Uint8Array[] = [];
  #sizeBytes = 0;

  add(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#sizeBytes += chunk.length;
    if (this.#sizeBytes > 2 * KEPT_BYTES) this.#chunks = [this.#end()];
  }

  text(): string {
    return plainText(new TextDecoder().decode(this.#end()));
  }

  #end(): Uint8Array {
    const end = Buffer.concat(this.#chunks).subarray(-KEPT_BYTES);
    this.#sizeBytes = end.length;
    return end;
  }
}

/** Without colours and cursor movements; what a carriage return would have written over stands on a line of its own. */
export function plainText(text: string): string {
  const plain = stripVTControlCharacters(text)
    .replaceAll(/\r\n?/g, '\n')
    // Of progress bars: bells, steps back.
    .replaceAll(/[^\P{Cc}\n\t]/gu, '');
  return printableLines(plain);
}

/** The last `count` lines that say something. */
export function lastLines(text: string, count: number): string[] {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
    .slice(-count);
}
