/** What tells one device from another, read from the device-side sources of the three Arduino cores. */

import type { Platform } from '../model/types.ts';

/**
 * `esp32` is the core up to 3.3.0, `esp32-3.3.1` the SHA-256 exchange of later ones, `esp32-3.3.1-md5` the same with a
 * sketch that stores the MD5 of its password.
 */
export const models = ['esp8266', 'esp32', 'esp32-3.3.1', 'esp32-3.3.1-md5', 'rp2040'] as const;
export type Model = (typeof models)[number];

/** What the air between host and device does. */
export interface Link {
  /** Default 0. */
  roundTripMs: number;
  /** Receive window: at most so much is in flight or unread. */
  windowBytes: number;
  segmentBytes: number;
  /** Probability (0 to 1) that a datagram is lost, each way. Default 0. */
  datagramLoss: number;
  /** Of the pseudo-random losses: the same seed loses the same datagrams. Default 1. */
  seed: number;
  /**
   * So many datagrams wait in the device until a round of its `loop()` takes the first of them; what comes on top is
   * lost. 0: the network callback handles each at once.
   */
  queuedDatagrams: number;
}

export interface Flash {
  /** Erasing and writing 4 KiB, during which nothing is read. Default 55. */
  msPerSector: number;
  /** Room for a new sketch. */
  slotBytes: number;
  filesystemBytes: number;
  /** Size of the flash chip, as the high nibble of byte 3 of an ESP8266 image codes it. Default 4: 4 MiB. */
  sizeNibble: number;
}

export interface Timing {
  /** What else the sketch does in each round of `loop()`, as a `delay()` there. Default 0. */
  loopMs: number;
  /** From `OK` to the connect-back. */
  connectDelayMs: number;
  /** From the last count to the `OK`. */
  verdictDelayMs: number;
  /** From the `OK` to the end of the connection. */
  closeDelayMs: number;
  /** From then until the new image answers. */
  rebootMs: number;
  /** From then until the old image is off the air, where the device announces what runs (`announcesRunning`). */
  lingerMs: number;
  openFlashMs: number;
  /** Patience without data; infinity: the device never gives up. */
  silenceMs: number;
}

export interface ModelFacts {
  readonly platform: Platform;
  /** TXT `board`. */
  readonly board: string;
  readonly port: number;
  readonly auth: 'md5' | 'sha256' | 'sha256-md5';
  /** To which port, and from whose packet it takes the address to connect back to. */
  readonly answers: 'invitation' | 'packet';
  /** Before the flash is open an `OK` cannot tell that the image is too large. */
  readonly saysOk: 'after-open' | 'before-open';
  readonly counts: 'when-dry' | 'per-read';
  /** Where a wrong first byte shows: at the end, at the first sector, nowhere. */
  readonly firstByte: 'checked-at-end' | 'checked-at-first-sector' | 'unchecked';
  readonly gzip: boolean;
  readonly link: Link;
  readonly flash: Flash;
  readonly timing: Timing;
}

const anyLink = { roundTripMs: 0, datagramLoss: 0, seed: 1, queuedDatagrams: 0 };
const anyFlash = { msPerSector: 55, sizeNibble: 4 };

const esp8266: ModelFacts = {
  platform: 'esp8266',
  board: 'ESP8266_WEMOS_D1MINI',
  port: 8266,
  auth: 'md5',
  answers: 'invitation',
  saysOk: 'after-open',
  counts: 'when-dry',
  firstByte: 'checked-at-end',
  gzip: true,
  // lwIP "lower memory", the core's default: 4 × 536; "higher bandwidth" has 4 × 1460 = 5840.
  link: { ...anyLink, windowBytes: 2144, segmentBytes: 536 },
  // Layout 4M2M: the largest sketch its boards.txt allows, and its file system.
  flash: { ...anyFlash, slotBytes: 1_044_464, filesystemBytes: 2_072_576 },
  // ArduinoOTA.cpp: delay(100) after OK, delay(1000) before the verdict and after it.
  timing: {
    loopMs: 0,
    connectDelayMs: 100,
    verdictDelayMs: 1000,
    closeDelayMs: 1000,
    rebootMs: 3000,
    lingerMs: 0,
    openFlashMs: 20,
    silenceMs: Number.POSITIVE_INFINITY,
  },
};

const esp32: ModelFacts = {
  platform: 'esp32',
  board: 'esp32',
  port: 3232,
  auth: 'md5',
  answers: 'packet',
  saysOk: 'before-open',
  counts: 'per-read',
  firstByte: 'checked-at-first-sector',
  gzip: false,
  // CONFIG_LWIP_TCP_WND_DEFAULT=5744, four segments of CONFIG_LWIP_TCP_MSS=1436 (5760/1440 in later ESP-IDF).
  // CONFIG_LWIP_UDP_RECVMBOX_SIZE=6; `handle()` parses one packet a call.
  link: { ...anyLink, windowBytes: 5744, segmentBytes: 1436, queuedDatagrams: 6 },
  // The default partition scheme: app slots of 0x140000, spiffs of 0x160000.
  flash: { ...anyFlash, slotBytes: 1_310_720, filesystemBytes: 1_441_792 },
  // `Update.begin` erases nothing yet: it connects 3 ms after its OK.
  timing: {
    loopMs: 0,
    connectDelayMs: 3,
    verdictDelayMs: 0,
    closeDelayMs: 0,
    rebootMs: 2000,
    // It restarts this much after its OK, and answers mDNS until then.
    lingerMs: 110,
    openFlashMs: 1,
    silenceMs: 1000,
  },
};

export const modelFacts: Readonly<Record<Model, ModelFacts>> = {
  esp8266,
  esp32,
  'esp32-3.3.1': { ...esp32, auth: 'sha256' },
  'esp32-3.3.1-md5': { ...esp32, auth: 'sha256-md5' },
  rp2040: {
    ...esp8266,
    platform: 'rp2040',
    board: 'RASPBERRY_PI_PICO_W',
    port: 2040,
    firstByte: 'unchecked',
    // lwipopts.h of arduino-pico: TCP_MSS 1460, TCP_WND 8 × TCP_MSS.
    link: { ...anyLink, windowBytes: 11_680, segmentBytes: 1460 },
    // The image waits as a file in LittleFS: a Pico W with half of its 2 MiB given to the file system.
    flash: { ...anyFlash, slotBytes: 1_048_576, filesystemBytes: 1_048_576 },
  },
};

/** UDP port on which a sketch of this model listens unless it was told otherwise. */
export function defaultPortOf(model: Model): number {
  return modelFacts[model].port;
}

/** The link of a model with some of it changed; a window without a segment size has four segments, as in lwIP's options. */
export function linkOf(facts: ModelFacts, given: Partial<Link> = {}): Link {
  const quarter = given.windowBytes === undefined ? undefined : Math.ceil(given.windowBytes / 4);
  const segmentBytes = quarter === undefined ? facts.link.segmentBytes : Math.min(1460, quarter);
  return { ...facts.link, segmentBytes, ...given };
}
