/** What a device prints, made into lines that are fit for a terminal. Pure. */

import { StringDecoder } from 'node:string_decoder';
import { stripVTControlCharacters } from 'node:util';
import { printable } from '../../model/printable.ts';

/** In characters. A device that never ends its line does not fill the memory. */
const longestLine = 2_000;

/** Text in any pieces → whole lines, without colours, control characters shown as JSON writes them. */
export class LogLines {
  readonly #decoder = new StringDecoder('utf8');
  readonly #print: (line: string) => void;
  #rest = '';
  #isBehindCr = false;

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  add(chunk: Uint8Array): void {
    this.addText(this.#decoder.write(Buffer.from(chunk)));
  }

  addText(text: string): void {
    for (const piece of text.split(/(\r\n|\r|\n)/)) {
      if (piece === '\n' && this.#isBehindCr) this.#isBehindCr = false;
      else if (/^[\r\n]/.test(piece)) {
        this.#end();
        this.#isBehindCr = piece === '\r';
      } else if (piece !== '') {
        this.#isBehindCr = false;
        this.#rest += piece;
        while (this.#rest.length > longestLine) this.#cut();
      }
    }
  }

  /** The connection has ended, and so has its last line. */
  end(): void {
    this.addText(this.#decoder.end());
    if (this.#rest !== '') this.#end();
    this.#isBehindCr = false;
  }

  #cut(): void {
    this.#print(safe(this.#rest.slice(0, longestLine)));
    this.#rest = this.#rest.slice(longestLine);
  }

  #end(): void {
    this.#print(safe(this.#rest));
    this.#rest = '';
  }
}

/** Tabs stay as blanks; what telnet writes behind a carriage return (NUL) is nothing. */
function safe(line: string): string {
  return printable(stripVTControlCharacters(line).replaceAll('\t', '  ').replaceAll('\0', '')).trimEnd();
}

const [se, sb, will, dont, iac] = [0xf0, 0xfa, 0xfb, 0xfe, 0xff];

/** Telnet (RFC 854) without its commands: nothing is negotiated, and all of it is left out. */
export class TelnetFilter {
  #state: 'text' | 'command' | 'option' | 'subnegotiation' | 'subcommand' = 'text';

  /** What is text of it, whatever the pieces. */
  filter(chunk: Uint8Array): Uint8Array {
    const text: number[] = [];
    for (const byte of chunk) {
      switch (this.#state) {
        case 'text':
          if (byte === iac) this.#state = 'command';
          else text.push(byte);
          break;
        case 'command':
          if (byte === iac) text.push(byte);
          this.#state = byte === sb ? 'subnegotiation' : byte >= will && byte <= dont ? 'option' : 'text';
          break;
        case 'option':
          this.#state = 'text';
          break;
        case 'subnegotiation':
          if (byte === iac) this.#state = 'subcommand';
          break;
        case 'subcommand':
          this.#state = byte === se ? 'text' : 'subnegotiation';
          break;
      }
    }
    return Uint8Array.from(text);
  }
}

/** A syslog datagram (RFC 3164, RFC 5424) without its priority. */
export function withoutPriority(text: string): string {
  return text.replace(/^<\d{1,3}>(?:1 )?/, '');
}
