/**
 * Well-formed images for tests, built from nothing: no compiler, no core. Written apart from `src/image`, so that the
 * parsers are held against a second reading of the formats and not against themselves.
 *
 * Every builder is deterministic: the same options give the same bytes, another `seed` gives another image.
 */

import { createHash } from 'node:crypto';

/** Address and content of a segment; the size is made a multiple of four. */
export interface TestSegment {
  address: number;
  data: Uint8Array;
}

export interface Esp8266ImageOptions {
  /** Length of the file, rounded up to a multiple of 16. Default 8 KiB. */
  sizeBytes?: number;
  seed?: number;
  /**
   * `vendor`: boot loader, padding, sketch at 4096, length and CRC in its first words (core >= 3.0). `core27`: both in the last
   * words of the padding (cores 2.7.0 to 2.7.4). `unfinished`: `vendor` after the packer's first write, both words zero.
   * `legacy`: a core before 2.7, code where the words would be. `plain`: what `esptool elf2image --version 1` makes of code
   * that lies in RAM, one header and no boot loader.
   */
  layout?: 'vendor' | 'core27' | 'unfinished' | 'legacy' | 'plain';
  /** The first words of the code are zero. Default: where the layout has its own words there. */
  isCodeBlank?: boolean;
  /** 0 QIO, 1 QOUT, 2 DIO, 3 DOUT. Default 2. */
  flashMode?: number;
  /** High nibble: flash size, low nibble: frequency. Default 0x40: 4 MB, 40 MHz. */
  sizeFrequency?: number;
}

/** A complete ESP8266 image. */
export function makeEsp8266Image(options: Esp8266ImageOptions = {}): Uint8Array {
  const { layout = 'vendor', flashMode = 2, sizeFrequency = 0x40, seed = 1 } = options;
  const sizeBytes = upTo(options.sizeBytes ?? 8192, 16);
  const header = { flashMode, sizeFrequency };
  if (layout === 'plain') {
    // 8 of header, twice 8 of segment headers, 4 of padding and checksum.
    const data = noise(Math.max(sizeBytes - 28, 36), seed);
    return espImage({
      ...header,
      entry: 0x40100004,
      segments: [
        { address: 0x40100000, data: data.subarray(0, data.length - 32) },
        { address: 0x3ffe8000, data: data.subarray(data.length - 32) },
      ],
    });
  }
  const boot = espImage({
    ...header,
    entry: 0x4010f480,
    segments: [{ address: 0x4010f000, data: noise(2048, 8266) }],
  });
  const text = noise(64, seed + 1);
  const irom = noise(Math.max(sizeBytes - 4096 - 28 - text.length, 64), seed);
  const { isCodeBlank = layout === 'vendor' || layout === 'unfinished' } = options;
  if (isCodeBlank) irom.fill(0, 0, 8);
  const sketch = espImage({
    ...header,
    entry: 0x40100004,
    segments: [
      { address: 0x40201010, data: irom },
      { address: 0x40100000, data: text },
    ],
  });
  const whole = new Uint8Array(4096 + sketch.length).fill(0xaa);
  whole.set(boot, 0);
  whole.set(sketch, 4096);
  if (layout === 'vendor' || layout === 'core27') {
    const words = layout === 'vendor' ? 4112 : 4088;
    whole.fill(0, words, words + 8);
    const crc = crc32Msb(whole);
    put32(whole, words, whole.length);
    put32(whole, words + 4, crc);
  }
  return whole;
}

/** What the core's signing tool makes of an image: the image, a signature, the signature's length. */
export function signEsp8266Image(image: Uint8Array, seed = 7): Uint8Array {
  const length = new Uint8Array(4);
  put32(length, 0, 256);
  return concat(image, noise(256, seed), length);
}

export interface Esp32ImageOptions {
  /** Length of the file, rounded up to a multiple of 16. Default 4 KiB. */
  sizeBytes?: number;
  seed?: number;
  /** Chip id of the header: 0 ESP32, 2 S2, 5 C3, 9 S3 and so on. Default 0. */
  chipId?: number;
  projectName?: string;
  version?: string;
  /** 32 bytes. Default: made from the seed. */
  elfSha256?: Uint8Array;
  /** Whether the file ends in its SHA-256. Default true. */
  appendDigest?: boolean;
  /** A second-stage boot loader: no application descriptor. */
  bootloader?: boolean;
  /** Whether an application says what it is. Default true; those of the Arduino core 1.0.x do not. */
  described?: boolean;
}

/** A complete image of the ESP32 family. */
export function makeEsp32Image(options: Esp32ImageOptions = {}): Uint8Array {
  const { chipId = 0, seed = 1, appendDigest = true, bootloader = false } = options;
  const sizeBytes = upTo(options.sizeBytes ?? 4096, 16);
  const text = noise(64, seed + 1);
  const rodata = noise(Math.max(sizeBytes - (appendDigest ? 32 : 0) - 44 - text.length, 256), seed);
  if (!bootloader && options.described !== false) rodata.set(appDescriptor(options), 0);
  const extended = new Uint8Array(16);
  extended[0] = 0xee;
  extended[4] = chipId & 0xff;
  extended[5] = chipId >> 8;
  // Revisions 0.0 to 3.99, as esptool writes them for a chip without demands.
  extended[9] = 0x8f;
  extended[10] = 0x01;
  extended[15] = appendDigest ? 1 : 0;
  const image = espImage({
    flashMode: 2,
    sizeFrequency: 0x20,
    entry: bootloader ? 0x40080460 : 0x40081000,
    extended,
    segments: [
      { address: bootloader ? 0x3fff0030 : 0x3f400020, data: rodata },
      { address: bootloader ? (loaderCode[chipId] ?? 0x40078000) : 0x40080000, data: text },
    ],
  });
  return appendDigest ? concat(image, sha256(image)) : image;
}

/** Where IDF links a boot loader's code, by chip id. */
const loaderCode: Readonly<Record<number, number>> = {
  0: 0x40078000,
  2: 0x4004c000,
  5: 0x403cc710,
  9: 0x403c9700,
  13: 0x4086e610,
};

/** Boot loader at 0 (`bootloaderOffset` bytes of 0xFF before it), partition table at 0x8000, app at 0x10000. */
export function makeMergedEsp32Image({ bootloaderOffset = 0x1000, chipId = 0 } = {}): Uint8Array {
  const app = makeEsp32Image({ chipId });
  const whole = new Uint8Array(0x10000 + app.length).fill(0xff);
  whole.set(makeEsp32Image({ bootloader: true, chipId }), bootloaderOffset);
  whole.set(makePartitionTable(), 0x8000);
  whole.set(app, 0x10000);
  return whole;
}

export interface TestPartition {
  label: string;
  type: number;
  subtype: number;
  offset: number;
  sizeBytes: number;
}

/** The layout that the ESP32 core takes by default for 4 MB. */
export const defaultPartitions: readonly TestPartition[] = [
  { label: 'nvs', type: 1, subtype: 0x02, offset: 0x9000, sizeBytes: 0x5000 },
  { label: 'otadata', type: 1, subtype: 0x00, offset: 0xe000, sizeBytes: 0x2000 },
  { label: 'app0', type: 0, subtype: 0x10, offset: 0x10000, sizeBytes: 0x140000 },
  { label: 'app1', type: 0, subtype: 0x11, offset: 0x150000, sizeBytes: 0x140000 },
  { label: 'spiffs', type: 1, subtype: 0x82, offset: 0x290000, sizeBytes: 0x160000 },
  { label: 'coredump', type: 1, subtype: 0x03, offset: 0x3f0000, sizeBytes: 0x10000 },
];

/** `partitions.bin`: 3,072 bytes, with the MD5 entry unless `md5` is false. */
export function makePartitionTable(partitions = defaultPartitions, { md5 = true } = {}): Uint8Array {
  const table = new Uint8Array(0xc00).fill(0xff);
  partitions.forEach((partition, index) => {
    const at = index * 32;
    table.fill(0, at, at + 32);
    table.set([0xaa, 0x50, partition.type, partition.subtype], at);
    put32(table, at + 4, partition.offset);
    put32(table, at + 8, partition.sizeBytes);
    table.set(new TextEncoder().encode(partition.label).subarray(0, 16), at + 12);
  });
  if (md5) {
    const end = partitions.length * 32;
    table.set([0xeb, 0xeb], end);
    table.set(createHash('md5').update(table.subarray(0, end)).digest(), end + 16);
  }
  return table;
}

/**
 * `.bin` for the RP2040: second-stage boot block with its CRC, vector table, noise. Default 4 KiB. With `info`, pico-sdk's
 * binary info at 0x1c0 notes where the image ends; its list and entry are the last bytes but 32.
 */
export function makeRp2040Image({ sizeBytes = 4096, seed = 1, info = false } = {}): Uint8Array {
  const image = noise(Math.max(sizeBytes, 512), seed);
  put32(image, 252, crc32Msb(image.subarray(0, 252)));
  put32(image, 256, 0x20042000);
  put32(image, 260, 0x100001f7);
  if (!info) return image;
  const flash = 0x10000000;
  const list = image.length - 32;
  const entry = list + 4;
  const marker = [0x7188ebf2, flash + list, flash + list + 4, 0, 0xe71aa390];
  for (const [index, value] of marker.entries()) put32(image, 0x1c0 + index * 4, value);
  put32(image, list, flash + entry);
  for (const [index, value] of [0x50520005, 0x68f465de, flash + image.length].entries())
    put32(image, entry + index * 4, value);
  return image;
}

/** The first bytes of a littlefs superblock, noise after them. Default 64 KiB. */
export function makeLittlefsImage({ sizeBytes = 65536, seed = 1 } = {}): Uint8Array {
  const image = noise(sizeBytes, seed);
  image.set([1, 0, 0, 0, 0xf0, 0x0f, 0xff, 0xf7], 0);
  image.set(new TextEncoder().encode('littlefs'), 8);
  return image;
}

/** `length` bytes that no compressor shortens much: the same for the same seed. */
export function noise(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = (seed * 2654435761 + 12345) >>> 0;
  for (let index = 0; index < length; index += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}

/** A copy with the byte at `offset` changed by XOR. */
export function flipped(bytes: Uint8Array, offset: number, mask = 0x01): Uint8Array {
  const copy = new Uint8Array(bytes);
  copy[offset] = (copy[offset] ?? 0) ^ mask;
  return copy;
}

/** The header, the segments, and zeros up to the checksum byte that ends a block of 16. */
export function espImage(image: {
  flashMode: number;
  sizeFrequency: number;
  entry: number;
  /** The 16 bytes that only the ESP32 family has. */
  extended?: Uint8Array;
  segments: readonly TestSegment[];
}): Uint8Array {
  const head = new Uint8Array(8);
  head.set([0xe9, image.segments.length, image.flashMode, image.sizeFrequency]);
  put32(head, 4, image.entry);
  const parts = [head, image.extended ?? new Uint8Array(0)];
  let checksum = 0xef;
  for (const { address, data } of image.segments) {
    const padded = new Uint8Array(upTo(data.length, 4));
    padded.set(data);
    const segmentHead = new Uint8Array(8);
    put32(segmentHead, 0, address);
    put32(segmentHead, 4, padded.length);
    parts.push(segmentHead, padded);
    for (const byte of padded) checksum ^= byte;
  }
  const body = concat(...parts);
  const whole = new Uint8Array(upTo(body.length + 1, 16));
  whole.set(body);
  whole[whole.length - 1] = checksum;
  return whole;
}

/** Bit by bit: slow enough to be plainly right, fast enough for some MB. */
export function crc32Msb(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit += 1) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : (crc << 1) | 0;
  }
  return crc >>> 0;
}

function appDescriptor({ seed = 1, ...options }: Esp32ImageOptions): Uint8Array {
  const descriptor = new Uint8Array(256);
  const text = new TextEncoder();
  put32(descriptor, 0, 0xabcd5432);
  descriptor.set(text.encode(options.version ?? '1.0.0').subarray(0, 31), 16);
  descriptor.set(text.encode(options.projectName ?? 'sketch').subarray(0, 31), 48);
  descriptor.set(text.encode('12:34:56'), 80);
  descriptor.set(text.encode('Jan  2 2026'), 96);
  descriptor.set(text.encode('v5.5.1'), 112);
  descriptor.set(options.elfSha256 ?? sha256(noise(64, seed)), 144);
  return descriptor;
}

function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

function put32(bytes: Uint8Array, offset: number, value: number): void {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(offset, value, true);
}

function upTo(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
