/** What a file is, from its bytes alone: which parser is to read it, and whether it is what was asked for. */

import type { ImageKind, Platform } from '../model/types.ts';
import { thousands } from '../model/numbers.ts';
import { isEsp8266, parseEsp8266 } from './esp8266.ts';
import { signatureLength, signedSuffix } from './esp8266-signature.ts';
import { parseEsp32 } from './esp32.ts';
import { fine, incomplete, corrupt, notOta, type ImageFacts, type Identification } from './facts.ts';
import { fileSystemName } from './filesystem.ts';
import { nameForeign } from './foreign.ts';
import { inflateGzip, inflateLimitBytes, isGzip } from './gzip.ts';
import { isPartitionTable, parsePartitionBinary } from './partition-binary.ts';
import { isRp2040, parseRp2040 } from './rp2040.ts';
import { imageMagic } from './segments.ts';

export interface IdentifyOptions {
  /** What it is to be pushed as. Absent: whatever it turns out to be. */
  readonly kind?: ImageKind | undefined;
  /** Of the file: the tools name file-system images, and a SPIFFS image of an ESP8266 carries no other mark. */
  readonly name?: string | undefined;
  /** Helps with RP2350 images and damaged RP2040 images, which carry no mark. It overrides nothing else. */
  readonly expectedPlatform?: Platform | undefined;
}

/**
 * Reads an image of any kind: the one answer to what a file is, for whoever pushes it and whoever looks at it. Work is
 * bounded by the length of `bytes` and 16 MiB; throws on nothing.
 */
export function identify(bytes: Uint8Array, options: IdentifyOptions): Identification {
  const found = identifyContent(bytes, options);
  const isUnsigned = found.ok && found.facts.signatureBytes === undefined;
  const isSaidSigned = options.name?.endsWith(signedSuffix) === true;
  return isUnsigned && isSaidSigned ? incomplete(found.facts, 'has no signature at its end') : found;
}

function identifyContent(
  bytes: Uint8Array,
  { kind, name = '', expectedPlatform }: IdentifyOptions,
): Identification {
  if (bytes.length === 0) return incomplete(plain('empty file'), 'is empty');
  if (kind === 'filesystem') return identifyFileSystem(bytes, expectedPlatform);
  const found = identifyFirmware(bytes, expectedPlatform);
  if (found.ok) return found;
  const fileSystem = fileSystemName(bytes);
  const isNamed = isNamedFileSystem(name) && mayBeFileSystem(bytes);
  if (kind === undefined && (fileSystem !== undefined || isNamed)) return fine(fileSystemFacts(bytes));
  if (fileSystem === undefined || found.facts.kind === 'firmware') return found;
  return notOta(
    fileSystemFacts(bytes),
    `is a ${fileSystem} file-system image, not firmware`,
    'To push it as the file system, say `--filesystem`; for the sketch, push the `firmware.bin`.',
  );
}

/** As PlatformIO, arduino-cli and their tools call them. */
function isNamedFileSystem(name: string): boolean {
  return /(?:^|\.)(?:littlefs|spiffs|fatfs|mklittlefs)\.bin$/i.test(name);
}

function identifyFileSystem(bytes: Uint8Array, expectedPlatform: Platform | undefined): Identification {
  const asFirmware = identifyFirmware(bytes, expectedPlatform);
  if (asFirmware.ok) {
    const message = `is ${asFirmware.facts.format}, not a file-system image`;
    return notOta(asFirmware.facts, message, 'Leave out `--filesystem` to push it as firmware.');
  }
  if (mayBeFileSystem(bytes)) return fine(fileSystemFacts(bytes));
  const { facts, message } = asFirmware;
  // What a cut gzip holds is not known.
  if (isGzip(bytes) && facts.inflatedBytes === undefined) return asFirmware;
  return notOta(facts, `is not a file-system image (${facts.format}): it ${message}`, hintFileSystem);
}

const hintFileSystem =
  'Push the file-system image that the build left (`littlefs.bin`, `spiffs.bin`). Where firmware is meant, leave out `--filesystem`.';

/** What a partition table has in the flash. */
const tableSectorBytes = 0x1000;

/**
 * It shows that it is one, or nothing shows what it is, as with SPIFFS of an ESP8266. A device writes it in place and
 * checks nothing, so a file that is known to be something else, whole or damaged, is none. With `ATOMIC_FS_UPDATE`, the
 * ESP8266's boot loader inflates a gzip of one.
 */
function mayBeFileSystem(bytes: Uint8Array): boolean {
  if (fileSystemName(bytes) !== undefined) return true;
  if (isGzip(bytes)) {
    const inflated = inflateGzip(bytes, inflateLimitBytes);
    return inflated.type === 'whole' && !isGzip(inflated.bytes) && mayBeFileSystem(inflated.bytes);
  }
  // The mark of a table has two bytes, which a larger file may begin with by chance.
  if (isPartitionTable(bytes) && bytes.length > tableSectorBytes && !parsePartitionBinary(bytes).ok)
    return true;
  // Without the platform: whoever says what the device is says nothing of the file.
  const found = identifyFirmware(bytes, undefined);
  return !found.ok && found.isUnknown === true;
}

function identifyFirmware(bytes: Uint8Array, expectedPlatform: Platform | undefined): Identification {
  // Before the first byte is looked at: the RP2040's boot code may begin with anything.
  if (isRp2040(bytes)) return parseRp2040(bytes);
  if (isGzip(bytes)) return identifyGzip(bytes, expectedPlatform);
  if (bytes[0] === imageMagic) return isEsp8266(bytes) ? parseEsp8266(bytes) : parseEsp32(bytes);
  if (isPartitionTable(bytes)) {
    const hint = 'Push the `firmware.bin` beside it: partitions cannot be changed over the air.';
    return notOta(plain('partition table'), 'is a partition table, not an image for the air', hint);
  }
  const foreign = nameForeign(bytes);
  if (expectedPlatform === 'rp2040' && foreign.isUnknown === true) return parseRp2040(bytes);
  const named = notOta(plain(foreign.format), foreign.message, foreign.hint);
  return foreign.isUnknown === true ? { ...named, isUnknown: true } : named;
}

function identifyGzip(bytes: Uint8Array, expectedPlatform: Platform | undefined): Identification {
  const facts: ImageFacts = { ...plain('gzip'), compression: 'gzip' };
  const inflated = inflateGzip(bytes, inflateLimitBytes);
  if (inflated.type === 'truncated') return incomplete(facts, 'is a gzip that ends before its end');
  if (inflated.type === 'damaged') return corrupt(facts, 'is a damaged gzip');
  const hint = 'Push the `firmware.bin` that the build left.';
  if (inflated.type === 'too-large') {
    return notOta(facts, `is a gzip of more than ${thousands(inflateLimitBytes)} bytes`, hint);
  }
  if (inflated.bytes.length === 0 || isGzip(inflated.bytes)) {
    return notOta(facts, 'is a gzip with no image inside', hint);
  }
  const inner = identifyFirmware(inflated.bytes, expectedPlatform);
  const outer: ImageFacts = {
    ...inner.facts,
    format: `gzip of: ${inner.facts.format}`,
    compression: 'gzip',
    inflatedBytes: inflated.bytes.length,
  };
  if (!inner.ok) return { ...inner, facts: outer, message: `is a gzip of a file that ${inner.message}` };
  if (inner.facts.platform === 'esp32') {
    return notOta(outer, 'is a gzip for the ESP32 family, which cannot inflate it', 'Push the image itself.');
  }
  const rest = bytes.subarray(inflated.end);
  if (rest.length === 0) return fine(outer);
  const signatureBytes = signatureLength(rest);
  if (signatureBytes !== undefined) return fine({ ...outer, signatureBytes });
  return incomplete(
    outer,
    `goes on for ${thousands(rest.length)} bytes after the gzip that are no whole signature`,
  );
}

function fileSystemFacts(bytes: Uint8Array): ImageFacts {
  const name = fileSystemName(bytes);
  return {
    ...plain(name === undefined ? 'file-system image (not recognised)' : `${name} file-system image`),
    kind: 'filesystem',
    ...(isGzip(bytes) ? { compression: 'gzip' } : {}),
    notes: ['No device checks a file-system image: its size is the only guard.'],
  };
}

function plain(format: string): ImageFacts {
  return { format, segments: [], checks: [], notes: [] };
}
