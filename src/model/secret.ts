import { inspect } from 'node:util';

/**
 * A password that cannot slip into a log, an error, JSON or a snapshot: every way of printing it prints a mark, only
 * `reveal()` gives the text. Call it as late as possible, and never for anything that is printed or put in an argv.
 */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}

/** The environment variable for a device's own password. */
export function passwordVariable(device: string): string {
  return `OTARC_PASSWORD_${device.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`;
}
