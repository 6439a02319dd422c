/** What the device keeps over a reboot. */

import { bootedFrom, md5Of } from './firmware.ts';
import { createSketchFlash, flashModes, type FlashMode } from './flash.ts';
import type { ModelFacts } from './models.ts';

/** A sketch that runs. */
export interface Firmware {
  readonly bytes: Uint8Array;
  readonly sizeBytes: number;
  /** Lower-case hex. */
  readonly md5: string;
}

export interface Storage {
  /** Undefined: the sketch that came by cable. */
  readonly running: Firmware | undefined;
  /** MD5 of the image as it was pushed, before it was inflated; undefined: what runs was never pushed. */
  readonly pushedMd5: string | undefined;
  /** The same of the first image that ever booted. */
  readonly firstPushedMd5: string | undefined;
  /** The file system as it stands, half a one after an interrupted update; undefined: never written. */
  readonly filesystem: Uint8Array | undefined;
  /** A file-system image of this size is about to be written over the present one. */
  openFilesystem(sizeBytes: number): void;
  writeFilesystem(bytes: Uint8Array, offset: number): void;
  /** `bytes` is to be booted next. */
  stage(bytes: Uint8Array): void;
  /** Boots; returns whether another sketch runs now. */
  boot(): boolean;
  /** MD5 that the running sketch finds when it sums itself. `key`: of the flash encryption. */
  sketchSum(key?: Uint8Array): string;
}

export interface StorageOptions {
  /** What it runs from the start; absent: a sketch that nobody has the image of. */
  readonly runs?: Uint8Array | undefined;
  /** Default: that of the image in `runs`, else of each image. */
  readonly flashMode?: FlashMode | undefined;
}

/** What a device without an image runs; any bytes do. */
const unknownSketch = Buffer.from('the sketch that came by cable');

export function createStorage(facts: ModelFacts, { runs, flashMode }: StorageOptions = {}): Storage {
  const flash = createSketchFlash(facts.platform);
  // Only the updater of an ESP8266 rewrites the mode; the boot loader of an ESP32 has it, and no sketch.
  const modeOf = (image: Uint8Array): FlashMode | undefined => flashModes[image[2] ?? -1];
  const mode = facts.platform === 'esp8266' ? (flashMode ?? (runs && modeOf(runs))) : undefined;
  let running: Firmware | undefined;
  let pushedMd5: string | undefined;
  let firstPushedMd5: string | undefined;
  let filesystem: Buffer | undefined;
  let staged: Uint8Array | undefined;

  const run = (bytes: Uint8Array): void => {
    running = { bytes, sizeBytes: bytes.length, md5: md5Of(bytes) };
  };
  const factory = runs && bootedFrom(runs, facts);
  if (factory) run(factory);
  flash.write(factory ?? unknownSketch, { mode });

  return {
    get running() {
      return running;
    },
    get pushedMd5() {
      return pushedMd5;
    },
    get firstPushedMd5() {
      return firstPushedMd5;
    },
    get filesystem() {
      return filesystem;
    },
    openFilesystem: (sizeBytes) => {
      // Erased flash reads as 0xFF.
      const grown = Buffer.alloc(sizeBytes, 0xff);
      filesystem?.copy(grown);
      filesystem = grown;
    },
    writeFilesystem: (bytes, offset) => {
      filesystem?.set(bytes, offset);
    },
    stage: (bytes) => {
      staged = bytes;
    },
    boot: () => {
      const image = staged;
      const bytes = image && bootedFrom(image, facts);
      staged = undefined;
      if (!bytes) return false;
      run(bytes);
      pushedMd5 = md5Of(image);
      firstPushedMd5 ??= pushedMd5;
      // A gzip passes the updater as it is: its image keeps the mode that it was built for.
      flash.write(bytes, { mode: bytes === image ? mode : undefined });
      return true;
    },
    sketchSum: (key) => flash.sum(key),
  };
}
