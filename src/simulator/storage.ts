/** What the device keeps over a reboot. */

import { bootedFrom, md5Of } from './firmware.ts';
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
  /** The file system as it stands, half a one after an interrupted update; undefined: never written. */
  readonly filesystem: Uint8Array | undefined;
  /** A file-system image of this size is about to be written over the present one. */
  openFilesystem(sizeBytes: number): void;
  writeFilesystem(bytes: Uint8Array, offset: number): void;
  /** `bytes` is to be booted next. */
  stage(bytes: Uint8Array): void;
  /** Boots; returns whether another sketch runs now. */
  boot(): boolean;
}

export function createStorage(facts: ModelFacts): Storage {
  let running: Firmware | undefined;
  let filesystem: Buffer | undefined;
  let staged: Uint8Array | undefined;

  return {
    get running() {
      return running;
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
      const bytes = staged && bootedFrom(staged, facts);
      staged = undefined;
      if (!bytes) return false;
      running = { bytes, sizeBytes: bytes.length, md5: md5Of(bytes) };
      return true;
    },
  };
}
