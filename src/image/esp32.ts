/**
 * Images of the ESP32 family: 24-byte header (chip id u16 at 12, "SHA-256 appended" at 23), segments, checksum, the
 * SHA-256 of all before it. An application's first segment begins, at 32, with the application descriptor; old ones have
 * none (`esp32-kind.ts`).
 *
 * Offsets inside the descriptor (IDF's `esp_app_desc_t`, 256 bytes): magic 0, secure version 4, reserved 8, version 16
 * (32 bytes), project name 48 (32), time 80 (16), date 96 (16), IDF version 112 (32), SHA-256 of the ELF 144 (32).
 * The test compares all of them with what esptool prints. Builds outside IDF's own pass `--elf-sha256-offset 0xb0` to
 * esptool, which is 32 + 144.
 */

import { createHash } from 'node:crypto';
import { byteText, cText, hex, isAllOf, u16, u32 } from './bytes.ts';
import { thousands } from '../model/numbers.ts';
import { chipName, chipOf, flashSettings } from './chips.ts';
import { esp32KindOf, type Esp32Kind } from './esp32-kind.ts';
import {
  corrupt,
  fine,
  incomplete,
  notOta,
  type AppDescription,
  type ImageCheck,
  type ImageFacts,
  type Identification,
} from './facts.ts';
import { madeBy } from './made-by.ts';
import { findPartitionTable, hintMerged } from './merged.ts';
import { examineRest } from './secure-boot.ts';
import { walkSegments, type Walk } from './segments.ts';

const headerBytes = 24;
const descriptorOffset = 32;
const descriptorMagic = 0xabcd5432;
const digestBytes = 32;

/** `bytes` starts with 0xE9 and is not for the ESP8266. Bounded by the length of `bytes`; throws on nothing. */
export function parseEsp32(bytes: Uint8Array): Identification {
  const nothing: ImageFacts = { format: 'ESP32 family image', segments: [], checks: [], notes: [] };
  // Up to here it may be an ESP8266's as well.
  if (bytes.length < descriptorOffset + 4) return incomplete(nothing, 'ends inside the header');

  const chipId = u16(bytes, 12);
  const chip = chipOf(chipId);
  const name = chip === undefined ? `ESP32 family, unknown chip ${chipId}` : chipName(chip);
  const walk = walkSegments(bytes, { at: 0, headerBytes, isAddress: () => true });
  const facts: ImageFacts = {
    ...nothing,
    format: `${name} image`,
    platform: 'esp32',
    ...(chip === undefined ? {} : { chip }),
    flash: flashSettings(bytes[2] ?? 0, bytes[3] ?? 0, chip),
    segments: walk.segments,
    notes: chip === undefined ? [`Chip id ${chipId} is not known to this otarc.`] : [],
  };
  if (u32(bytes, descriptorOffset) === descriptorMagic) {
    const app = descriptor(bytes);
    const { elfSha256: identity } = app;
    const known = { ...facts, format: `${name} application`, kind: 'firmware', app } as const;
    return checkWalk(bytes, walk, { ...known, ...(identity === undefined ? {} : { identity }) });
  }
  return parseUndescribed(bytes, walk, { name, facts });
}

function checkWalk(bytes: Uint8Array, walk: Walk, facts: ImageFacts): Identification {
  if (walk.type === 'absurd') return corrupt(facts, walk.message);
  if (walk.type === 'truncated') return incomplete(facts, walk.message);
  return checkDigests(bytes, walk, facts);
}

/** Without a descriptor, its segments show what it is. */
function parseUndescribed(
  bytes: Uint8Array,
  walk: Walk,
  { name, facts }: { readonly name: string; readonly facts: ImageFacts },
): Identification {
  if (walk.type === 'absurd') {
    const hint = 'Push the `firmware.bin` that the build left; this file is no image, or a damaged one.';
    return notOta({ ...facts, format: 'no image that is known' }, walk.message, hint);
  }
  if (walk.type === 'truncated') return incomplete(facts, walk.message);
  if (findPartitionTable(bytes, walk.end) !== undefined) {
    const what = madeBy(bytes);
    const merged = { ...facts, format: `${name} merged image (boot loader, partition table, application)` };
    return notOta(
      merged,
      `is a merged image for flashing by cable${what}: boot loader, partition table and application`,
      hintMerged,
    );
  }
  const kind = esp32KindOf(bytes, { chip: facts.chip, segments: walk.segments, end: walk.end });
  if (kind === 'boot-loader') {
    const hint = 'Push the `firmware.bin` beside it: only the application goes over the air.';
    const message = `is a boot loader of the ${facts.chip === undefined ? 'ESP32 family' : name}: all of it runs in RAM`;
    return notOta({ ...facts, format: `${name} boot loader` }, message, hint);
  }
  const { format, note, doubt } = undescribed[kind];
  const found: ImageFacts = {
    ...facts,
    format: `${name} ${format}`,
    kind: 'firmware',
    notes: [...facts.notes, ...(note === undefined ? [] : [note])],
    ...(doubt === undefined ? {} : { doubts: [{ code: 'IMAGE_NOT_OTA', message: doubt, hint: hintDoubt }] }),
  };
  return checkWalk(bytes, walk, found);
}

interface Undescribed {
  readonly format: string;
  readonly note?: string;
  /** Why it is refused unless the user insists. */
  readonly doubt?: string;
}

const undescribed: Readonly<Record<Exclude<Esp32Kind, 'boot-loader'>, Undescribed>> = {
  application: {
    format: 'application without a descriptor',
    note: 'It does not say its name, version or ELF digest, as applications of the Arduino core 1.0.x and older do not.',
  },
  'ram-header': {
    format: 'application with a RAM-only header, as Zephyr makes them',
    doubt:
      'is an application that starts itself, as Zephyr makes them: its header names the parts in RAM alone, and the boot loader of the Arduino core does not map the rest',
  },
  'ram-only': {
    format: 'image that runs from RAM alone',
    doubt: 'has no code or data in flash, as images for `esptool load-ram`: a sketch always has',
  },
  unknown: {
    format: 'image without an application descriptor',
    doubt: 'does not say what it is: it has no application descriptor, and its chip is unknown',
  },
};

const hintDoubt = 'Push the `firmware.bin` that the build left.';

function checkDigests(bytes: Uint8Array, walk: WholeWalk, facts: ImageFacts): Identification {
  const { storedChecksum, computedChecksum } = walk;
  const checksum: ImageCheck = {
    name: 'checksum',
    verdict: storedChecksum === computedChecksum ? 'ok' : 'wrong',
    detail:
      storedChecksum === computedChecksum
        ? byteText(storedChecksum)
        : `${byteText(storedChecksum)} stored, ${byteText(computedChecksum)} computed`,
  };
  const appended = bytes[23] ?? 0;
  const digest = checkDigest(bytes, walk.end, appended);
  const found: ImageFacts = { ...facts, checks: [checksum, digest] };
  if (digest.verdict === 'not-checked') {
    return incomplete(found, `ends after ${thousands(bytes.length)} bytes, before its SHA-256`);
  }
  const broken = found.checks.filter((check) => check.verdict === 'wrong').map((check) => check.name);
  if (broken.length > 0) return corrupt(found, `is damaged: wrong ${broken.join(', ')}`);
  return checkRest(bytes, walk.end + (appended === 1 ? digestBytes : 0), found);
}

function checkRest(bytes: Uint8Array, end: number, facts: ImageFacts): Identification {
  const rest = examineRest(bytes, end);
  if (rest.type === 'nothing') return fine(facts);
  const found = { ...facts, checks: [...facts.checks, ...rest.checks] };
  if (rest.type === 'cut') return incomplete(found, rest.message);
  if (rest.type === 'damaged') return corrupt(found, rest.message);
  return fine({ ...found, notes: [...found.notes, rest.note] });
}

function checkDigest(bytes: Uint8Array, end: number, appended: number): ImageCheck {
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
