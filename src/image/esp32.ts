/**
 * Images of the ESP32 family: 24-byte header (chip id u16 at 12, "SHA-256 appended" at 23), segments, checksum, the
 * SHA-256 of all before it. An application's first segment begins, at 32, with the application descriptor; a boot
 * loader has none, and is never sent over the air.
 *
 * Offsets inside the descriptor (IDF's `esp_app_desc_t`, 256 bytes): magic 0, secure version 4, reserved 8, version 16
 * (32 bytes), project name 48 (32), time 80 (16), date 96 (16), IDF version 112 (32), SHA-256 of the ELF 144 (32).
 * The test compares all of them with what esptool prints. Builds outside IDF's own pass `--elf-sha256-offset 0xb0` to
 * esptool, which is 32 + 144.
 */

import { createHash } from 'node:crypto';
import { byteText, cText, hex, isAllOf, startsWith, u16, u32 } from './bytes.ts';
import { thousands } from '../model/numbers.ts';
import { chipName, chipOf, flashSettings } from './chips.ts';
import {
  corrupt,
  fine,
  incomplete,
  notOta,
  type AppDescription,
  type Check,
  type Facts,
  type Identification,
} from './facts.ts';
import { findPartitionTable, hintMerged } from './merged.ts';
import { walkSegments, type Walk } from './segments.ts';

const headerBytes = 24;
const descriptorOffset = 32;
const descriptorMagic = 0xabcd5432;
const digestBytes = 32;

/** `bytes` starts with 0xE9 and is not for the ESP8266. Bounded by the length of `bytes`; throws on nothing. */
export function parseEsp32(bytes: Uint8Array): Identification {
  const nothing: Facts = { format: 'ESP32 family image', segments: [], checks: [], notes: [] };
  // Up to here it may be an ESP8266's as well.
  if (bytes.length < descriptorOffset + 4) return incomplete(nothing, 'ends inside the header');

  const chipId = u16(bytes, 12);
  const chip = chipOf(chipId);
  const name = chip === undefined ? `ESP32 family, unknown chip ${chipId}` : chipName(chip);
  const walk = walkSegments(bytes, { at: 0, headerBytes, isAddress: () => true });
  const isApp = u32(bytes, descriptorOffset) === descriptorMagic;
  const facts: Facts = {
    ...nothing,
    format: `${name} ${isApp ? 'application' : 'image without an application descriptor'}`,
    platform: 'esp32',
    ...(chip === undefined ? {} : { chip }),
    flash: flashSettings(bytes[2] ?? 0, bytes[3] ?? 0, chip),
    segments: walk.segments,
    notes: chip === undefined ? [`Chip id ${chipId} is not known to this otarc.`] : [],
  };
  if (!isApp) return notAnApp(bytes, walk, facts);

  const app = descriptor(bytes);
  const found: Facts = {
    ...facts,
    kind: 'firmware',
    app,
    ...(app.elfSha256 === undefined ? {} : { identity: app.elfSha256 }),
  };
  if (walk.type === 'absurd') return corrupt(found, walk.message);
  if (walk.type === 'truncated') return incomplete(found, walk.message);
  return checkDigests(bytes, walk, found);
}

function checkDigests(bytes: Uint8Array, walk: WholeWalk, facts: Facts): Identification {
  const { storedChecksum, computedChecksum } = walk;
  const checksum: Check = {
    name: 'checksum',
    verdict: storedChecksum === computedChecksum ? 'ok' : 'wrong',
    detail:
      storedChecksum === computedChecksum
        ? byteText(storedChecksum)
        : `${byteText(storedChecksum)} stored, ${byteText(computedChecksum)} computed`,
  };
  const appended = bytes[23] ?? 0;
  const digest = checkDigest(bytes, walk.end, appended);
  const found: Facts = { ...facts, checks: [checksum, digest] };
  if (digest.verdict === 'not-checked') {
    return incomplete(found, `ends after ${thousands(bytes.length)} bytes, before its SHA-256`);
  }
  const broken = found.checks.filter((check) => check.verdict === 'wrong').map((check) => check.name);
  if (broken.length > 0) return corrupt(found, `is damaged: wrong ${broken.join(', ')}`);

  const rest = bytes.subarray(walk.end + (appended === 1 ? digestBytes : 0));
  return fine(rest.length === 0 ? found : { ...found, notes: [...found.notes, describeRest(bytes, rest)] });
}

function checkDigest(bytes: Uint8Array, end: number, appended: number): Check {
  const name = 'SHA-256';
  // esptool writes 0 or 1 and refuses anything else.
  if (appended > 1) return { name, verdict: 'wrong', detail: `header byte 23 is ${appended}` };
  const stored = bytes.subarray(end, end + digestBytes);
  if (appended === 1) {
    if (stored.length < digestBytes) return { name, verdict: 'not-checked' };
    const computed = sha256(bytes.subarray(0, end));
    if (computed === hex(stored)) return { name, verdict: 'ok', detail: computed };
    return { name, verdict: 'wrong', detail: `${hex(stored)} stored, ${computed} computed` };
  }
  // The one damage that would switch this very check off: byte 23 itself. The digest is still there, and was made with
  // the byte set.
  const asAppended = new Uint8Array(bytes.subarray(0, end)); // a copy: `slice` of a Buffer is none
  asAppended[23] = 1;
  if (stored.length === digestBytes && sha256(asAppended) === hex(stored)) {
    return { name, verdict: 'wrong', detail: 'header byte 23 is 0, but the digest is there' };
  }
  return { name, verdict: 'absent' };
}

/** Secure boot pads to a sector of 4 KiB and appends one that starts with 0xE7 (version 2). The device checks it. */
function describeRest(bytes: Uint8Array, rest: Uint8Array): string {
  const sector = Math.ceil((bytes.length - rest.length) / 4096) * 4096;
  const isSigned = bytes.length > sector && startsWith(bytes, [0xe7, 0x02], sector);
  const what = isSigned ? 'a secure-boot signature' : isAllOf(rest, 0xff) ? 'padding' : 'unknown content';
  return `${thousands(rest.length)} bytes follow the image: ${what}.`;
}

function notAnApp(bytes: Uint8Array, walk: Walk, facts: Facts): Identification {
  const name = facts.chip === undefined ? 'ESP32 family' : chipName(facts.chip);
  if (findPartitionTable(bytes) !== undefined) {
    const merged = { ...facts, format: `${name} merged image (boot loader, partition table, application)` };
    return notOta(
      merged,
      'is a merged image for flashing by cable: boot loader, partition table and application',
      hintMerged,
    );
  }
  if (walk.type === 'absurd') {
    const hint = 'Push the `firmware.bin` that the build left; this file is no image, or a damaged one.';
    return notOta({ ...facts, format: 'no image that is known' }, walk.message, hint);
  }
  const loader = { ...facts, format: `${name} boot loader` };
  const hint = 'Push the `firmware.bin` beside it: only the application goes over the air.';
  return notOta(loader, `is a boot loader of the ${name}: it has no application descriptor`, hint);
}

function descriptor(bytes: Uint8Array): AppDescription {
  const text = (at: number, length: number): string => cText(bytes, descriptorOffset + at, length);
  const time = text(80, 16);
  const date = text(96, 16);
  const elf = bytes.subarray(descriptorOffset + 144, descriptorOffset + 176);
  return withoutEmpty({
    name: text(48, 32),
    version: text(16, 32),
    compiledAt: `${date} ${time}`.trim(),
    idfVersion: text(112, 32),
    elfSha256: elf.length < digestBytes || isAllOf(elf, 0) ? '' : hex(elf),
  });
}

function withoutEmpty(texts: Record<keyof AppDescription, string>): AppDescription {
  return Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== ''));
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

type WholeWalk = Extract<Walk, { type: 'whole' }>;
