import { madeBy } from './made-by.ts';

/**
 * ESP8266 images beside those of the Arduino core: one header at 0, which the ROM starts. `rest`: what follows the image of
 * that header.
 */
export function nameOther(
  bytes: Uint8Array,
  rest: Uint8Array,
): { readonly format: string; readonly what: string } {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // It prints "2nd boot version : 1.7" when it starts.
  if (bytes.length <= 4096 && buffer.includes('2nd boot version'))
    return { format: 'boot loader of the ESP8266 SDK', what: "is the ESP8266 SDK's boot loader" };
  // The code in flash lies at an address of its own, behind a gap.
  if (rest.length > 4096) {
    const made = madeBy(bytes);
    return {
      format: `dump of a whole ESP8266 flash${made}`,
      what: `is a dump of a whole flash, or firmware of several parts in one file${made}`,
    };
  }
  return {
    format: 'ESP8266 firmware without the Arduino boot loader',
    what: 'is firmware of the ESP8266 SDK, or the first half of firmware in two files (as with `0x10000.bin` or `.irom0text.bin` beside it)',
  };
}
