/** Files that people have at hand and that are no image of a sketch, or one that is out of the ordinary. Built from nothing. */

import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { espImage, makeEsp32Image, makeEsp8266Image, noise, type Esp32ImageOptions } from './images.ts';

const header = { flashMode: 2, sizeFrequency: 0x20 };

/** `boot_v1.7.bin` of the ESP8266 SDK: one segment in RAM, and what it prints. */
export function makeSdkBootLoader(): Uint8Array {
  const data = noise(3000, 17);
  data.set(new TextEncoder().encode('2nd boot version : 1.7(5d6877e)'), 1000);
  return espImage({ ...header, entry: 0x40100004, segments: [{ address: 0x40100000, data }] });
}

/** `0x00000.bin` of firmware in two files: what lies in RAM; the rest is to be at an address of its own. */
export function makeFirstHalf(sizeBytes = 32_768): Uint8Array {
  return makeEsp8266Image({ layout: 'plain', sizeBytes });
}

/** The same with the rest behind a gap, in one file, as MicroPython and NodeMCU come. */
export function makeFlashDump(name = 'MicroPython'): Uint8Array {
  const whole = new Uint8Array(0x10000 + 40_000).fill(0xff);
  whole.set(makeFirstHalf(), 0);
  whole.set(noise(40_000, 5), 0x10000);
  whole.set(new TextEncoder().encode(`${name} v1.24.1`), 0x10000 + 512);
  return whole;
}

/** An application of the Arduino core 1.0.x for the ESP32: data and code in flash, no descriptor. */
export function makeOldEsp32Image({ sizeBytes = 8192, ...options }: Esp32ImageOptions = {}): Uint8Array {
  return makeEsp32Image({ ...options, sizeBytes, described: false });
}

/** Code and data in RAM alone, as for `esptool load-ram`. */
export function makeRamImage(): Uint8Array {
  return espImage({
    ...header,
    entry: 0x40080004,
    extended: extended(),
    segments: [
      { address: 0x3ffb0000, data: noise(256, 3) },
      { address: 0x40080000, data: noise(1024, 4) },
    ],
  });
}

/** `esptool elf2image --ram-only-header`: the header counts two segments; padding and two in flash follow the checksum. */
export function makeZephyrImage(): Uint8Array {
  const flash = [
    { address: 0, data: noise(64, 7).fill(0) },
    { address: 0x400d0020, data: noise(2048, 8) },
    { address: 0x3f400020, data: noise(1024, 9) },
  ];
  const tail = flash.map(({ address, data }) => {
    const head = Buffer.alloc(8);
    head.writeUInt32LE(address, 0);
    head.writeUInt32LE(data.length, 4);
    return Buffer.concat([head, data]);
  });
  return new Uint8Array(Buffer.concat([makeRamImage(), ...tail]));
}

/** What `espsecure sign-data --version 2` makes of an image, but for the signature itself, which is noise. */
export function signEsp32Image(image: Uint8Array, scheme: 'rsa' | 'ecdsa' = 'rsa'): Uint8Array {
  const at = Math.ceil(image.length / 4096) * 4096;
  const whole = new Uint8Array(at + 4096).fill(0xff);
  whole.set(image, 0);
  const block = noise(1216, 21);
  block.set([0xe7, scheme === 'rsa' ? 2 : 3, 0, 0], 0);
  block.set(createHash('sha256').update(whole.subarray(0, at)).digest(), 4);
  new DataView(block.buffer).setUint32(1196, crc32(block.subarray(0, 1196)), true);
  block.fill(0, 1200);
  whole.set(block, at);
  return whole;
}

/** The same of `--version 1`. */
export function signEsp32ImageV1(image: Uint8Array): Uint8Array {
  return new Uint8Array(Buffer.concat([image, new Uint8Array(4), noise(64, 22)]));
}

/** `boot_app0.bin` of the Arduino core: the first slot is to start. */
export function makeBootApp0(): Uint8Array {
  const bytes = new Uint8Array(8192).fill(0xff);
  bytes.set([1, 0, 0, 0], 0);
  bytes.set([0x9a, 0x98, 0x43, 0x47], 28);
  return bytes;
}

/** `esp_init_data_default.bin` of the ESP8266 SDK. */
export function makeInitData(): Uint8Array {
  const bytes = new Uint8Array(128);
  bytes.set([5, 8, 4, 2, 5, 5, 5, 2, 5, 0, 4, 5, 5, 4, 5, 5, 4, 0xfe, 0xfd, 0xff], 0);
  return bytes;
}

/** What `espsecure encrypt-flash-data` makes of an image: nothing in it speaks. */
export function makeEncrypted(sizeBytes = 65_536): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  let block = createHash('sha512').update('key').digest();
  for (let offset = 0; offset < sizeBytes; offset += 64) {
    block = createHash('sha512').update(block).digest();
    bytes.set(block.subarray(0, Math.min(64, sizeBytes - offset)), offset);
  }
  return bytes;
}

function extended(): Uint8Array {
  const bytes = new Uint8Array(16);
  bytes.set([0xee], 0);
  bytes.set([0x8f, 0x01], 9);
  return bytes;
}
