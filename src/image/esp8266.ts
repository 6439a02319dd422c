/**
 * ESP8266 images. Over the air go those of the Arduino core alone: the core's boot loader (eboot) copies the image to
 * flash address 0, itself included, and whatever has no eboot there leaves the device dead until it is flashed by cable.
 *
 *   0     boot loader: 8-byte header, its segments, checksum, 0xAA up to 4096
 *   4088  length of the file, u32 LE     (cores 2.7.0 to 2.7.4, and Tasmota's to this day:
 *   4092  CRC-32 of the file              the last words of that padding)
 *   4096  sketch: 8-byte header, `.irom0.text` first, RAM segments, checksum
 *   4112  length of the file, u32 LE     (core >= 3.0: the first two words of
 *   4116  CRC-32 of the file              .irom0.text are kept free for them)
 *
 * Both words count as zero for the CRC. The packer writes the file twice: first with both words zero, then whole. So two
 * zero words mean "not finished" where they have their place inside the code. A core older than 2.7 has code there, and
 * padding before it. All three together identify it: the words are not both zero, the first is not the length and the second not
 * the CRC, and the checksum byte is right over the bytes as they are. In an image of a newer core, the checksum was made
 * before the words were written and does not match the bytes as they are; and where one of the words is damaged, the other
 * still matches. So no damage of one word passes for an older core. (An older core's image whose code begins with eight
 * zero bytes would be called unfinished; none is known.)
 */

import { byteText, isAllOf, u32, word } from './bytes.ts';
import { thousands } from '../model/numbers.ts';
import { flashSettings } from './chips.ts';
import { crc32Msb } from './crc32.ts';
import {
  corrupt,
  fine,
  incomplete,
  notOta,
  type ImageCheck,
  type ImageFacts,
  type Identification,
  type Segment,
} from './facts.ts';
import { nameOther } from './esp8266-other.ts';
import { maxSignatureBytes, signatureLength } from './esp8266-signature.ts';
import { imageMagic, walkSegments, xorOf, type Walk } from './segments.ts';

const sketchOffset = 4096;
/** Where the length is; the CRC follows it. */
const wordsOffset = 4112;
const wordsOffset27 = 4088;
const wordsBytes = 8;
const hintFirmware =
  'Push the `firmware.bin` (PlatformIO) or `<sketch>.ino.bin` (arduino-cli) that the build left.';

/**
 * Whether an image that starts with 0xE9 is for the ESP8266 and not for the ESP32 family. The ESP8266's header has 8
 * bytes, and the first segment's address follows; the ESP32's has 24, and has the write-protect pin (0xEE: none) and
 * the pins' drive strengths there. 0x3FFE8000…, 0x40100000… and 0x402….… are the only places where the ESP8266 has
 * memory; the ESP32's bytes would need drive strengths of 15 and 3 or 4 and 0 on just the right pins to look like one.
 */
export function isEsp8266(bytes: Uint8Array): boolean {
  return bytes[0] === imageMagic && isAddressEsp8266(u32(bytes, 8));
}

/** Bounded by the length of `bytes`; throws on nothing. */
export function parseEsp8266(bytes: Uint8Array): Identification {
  const first = walkSegments(bytes, { at: 0, headerBytes: 8, isAddress: isAddressEsp8266 });
  const facts: ImageFacts = {
    format: 'ESP8266 firmware',
    kind: 'firmware',
    platform: 'esp8266',
    chip: 'esp8266',
    flash: flashSettings(bytes[2] ?? 0, bytes[3] ?? 0, 'esp8266'),
    segments: first.segments,
    checks: [],
    notes: [],
  };
  if (first.type === 'absurd') return notOta(facts, first.message, hintFirmware);
  if (first.type === 'truncated') return incomplete(facts, first.message);
  if (bytes[sketchOffset] === imageMagic && first.end <= wordsOffset27)
    return parseSketch(bytes, first, facts);
  return parseSingle(bytes, first, facts);
}

/** What stands at 0 is complete, and no sketch stands at 4096. */
function parseSingle(bytes: Uint8Array, first: WholeWalk, facts: ImageFacts): Identification {
  const rest = bytes.subarray(first.end);
  if (isEboot(first.segments) || (rest.length > 0 && rest.length < sketchOffset && isAllOf(rest, 0xaa))) {
    const found = { ...facts, format: 'ESP8266 boot loader without a sketch' };
    if (bytes.length > sketchOffset) return notOta(found, 'is a boot loader without a sketch', hintFirmware);
    return incomplete(found, `ends after ${thousands(bytes.length)} bytes, before the sketch at 4,096`);
  }
  const checks = [checksum('checksum', first.storedChecksum, first.computedChecksum)];
  const { format, what } = nameOther(bytes, rest);
  const message = `${what}: it has no boot loader of the Arduino core, without which the device would not start again`;
  return notOta({ ...facts, format, checks }, message, hintFirmware);
}

function parseSketch(bytes: Uint8Array, boot: WholeWalk, base: ImageFacts): Identification {
  const sketch = walkSegments(bytes, { at: sketchOffset, headerBytes: 8, isAddress: isAddressEsp8266 });
  const facts: ImageFacts = {
    ...base,
    format: 'ESP8266 firmware, boot loader and sketch (Arduino core)',
    segments: [...boot.segments, ...sketch.segments],
    checks: [checksum('boot loader checksum', boot.storedChecksum, boot.computedChecksum)],
  };
  if (sketch.type === 'absurd') return corrupt(facts, `${sketch.message} (in the sketch at 4,096)`);
  if (bytes.length < wordsOffset + wordsBytes) return incomplete(facts, 'ends before its length and CRC');
  if (isAllOf(bytes.subarray(wordsOffset, wordsOffset + wordsBytes), 0) && !hasWords27(bytes)) {
    const unfinished: ImageCheck = {
      name: 'CRC-32',
      verdict: 'not-checked',
      detail: 'length and CRC are still zero',
    };
    return incomplete(
      { ...facts, checks: [...facts.checks, unfinished] },
      'is not finished: the packer has not written its length and CRC yet',
    );
  }
  if (sketch.type === 'truncated') return incomplete(facts, sketch.message);
  return checkWords(bytes, sketch, facts);
}

/** Where others have padding: all of one byte. */
function hasWords27(bytes: Uint8Array): boolean {
  return !isAllOf(bytes.subarray(wordsOffset27, sketchOffset), bytes[wordsOffset27] ?? 0);
}

/** The sketch is walked to its end: whose words are these, and are they right? */
function checkWords(bytes: Uint8Array, sketch: WholeWalk, facts: ImageFacts): Identification {
  const newer = wordsAt(bytes, wordsOffset, sketch.end);
  const isNewer = newer.lengthFits || newer.crcFits;
  if (!isNewer && hasWords27(bytes)) {
    const words = wordsAt(bytes, wordsOffset27, sketch.end);
    return finishWords(bytes, sketch, { facts, words, wordsXor: 0 });
  }
  if (!isNewer && sketch.storedChecksum === sketch.computedChecksum) return legacy(bytes, sketch, facts);
  const wordsXor = xorOf(bytes.subarray(wordsOffset, wordsOffset + wordsBytes));
  return finishWords(bytes, sketch, { facts, words: newer, wordsXor });
}

interface Words {
  readonly lengthFits: boolean;
  readonly crcFits: boolean;
  readonly storedBytes: number;
  readonly storedCrc: number;
  readonly crc: number;
}

function wordsAt(bytes: Uint8Array, offset: number, end: number): Words {
  const storedBytes = u32(bytes, offset);
  const storedCrc = u32(bytes, offset + 4);
  const head = crc32Msb(bytes.subarray(0, offset));
  const crc = crc32Msb(bytes.subarray(offset + wordsBytes, end), crc32Msb(new Uint8Array(wordsBytes), head));
  return { lengthFits: storedBytes === end, crcFits: storedCrc === crc, storedBytes, storedCrc, crc };
}

interface Guarded {
  readonly facts: ImageFacts;
  readonly words: Words;
  /** Of the words, where they lie in a segment: they were zero when its checksum was made. */
  readonly wordsXor: number;
}

function finishWords(
  bytes: Uint8Array,
  sketch: WholeWalk,
  { facts, words, wordsXor }: Guarded,
): Identification {
  const { lengthFits, crcFits, storedBytes, storedCrc, crc } = words;
  const checks: ImageCheck[] = [
    ...facts.checks,
    checksum('sketch checksum', sketch.storedChecksum, sketch.computedChecksum ^ wordsXor),
    {
      name: 'length',
      verdict: lengthFits ? 'ok' : 'wrong',
      detail: lengthFits
        ? thousands(storedBytes)
        : `${thousands(storedBytes)} stored, ${thousands(sketch.end)} found`,
    },
    {
      name: 'CRC-32',
      verdict: crcFits ? 'ok' : 'wrong',
      detail: crcFits ? word(crc) : `${word(storedCrc)} stored, ${word(crc)} computed`,
    },
  ];
  const found: ImageFacts = { ...facts, checks };
  const broken = checks.filter(isWrong).map((check) => check.name);
  if (broken.length > 0) return corrupt(found, `is damaged: wrong ${broken.join(', ')}`);
  return finish(bytes, sketch.end, { ...found, identity: crc.toString(16).padStart(8, '0') });
}

function legacy(bytes: Uint8Array, sketch: WholeWalk, facts: ImageFacts): Identification {
  const checks: ImageCheck[] = [
    ...facts.checks,
    checksum('sketch checksum', sketch.storedChecksum, sketch.computedChecksum),
    { name: 'CRC-32', verdict: 'absent', detail: 'core older than 2.7' },
  ];
  const found = { ...facts, checks };
  if (checks.some(isWrong)) return corrupt(found, 'is damaged: wrong boot loader checksum');
  const damage = damageOfHeaders(bytes, facts.segments);
  if (damage !== undefined) return corrupt(found, `is damaged: ${damage}`);
  const note =
    'Made by a core older than 2.7: it carries no CRC, so damage outside the segments cannot be seen.';
  return finish(bytes, sketch.end, { ...found, notes: [note] });
}

/** Without a CRC, what the headers themselves say is all that shows whether they are whole. */
function damageOfHeaders(bytes: Uint8Array, segments: readonly Segment[]): string | undefined {
  const mode = bytes[2] ?? 0;
  if (mode > 3) return `its header asks for the flash mode ${mode} (0 to 3 are possible)`;
  for (const at of [0, sketchOffset]) {
    const entry = u32(bytes, at + 4);
    const isInside = segments.some(({ address, sizeBytes, fileOffset }) => {
      const isOwn = at === 0 ? fileOffset < sketchOffset : fileOffset > sketchOffset;
      return isOwn && entry >= address && entry < address + sizeBytes;
    });
    if (!isInside) return `its header at ${thousands(at)} starts it at ${word(entry)}, where it has nothing`;
  }
  return undefined;
}

/** Everything up to `end` is right: only a signature may follow. */
function finish(bytes: Uint8Array, end: number, facts: ImageFacts): Identification {
  const signatureBytes = signatureLength(bytes.subarray(end));
  if (signatureBytes !== undefined) return fine({ ...facts, signatureBytes });
  const rest = bytes.length - end;
  if (rest === 0) return fine(facts);
  // The signing tool appends to a file that is whole already.
  if (rest < maxSignatureBytes + 4) {
    return incomplete(facts, `goes on for ${thousands(rest)} bytes that are no whole signature`);
  }
  const what = `goes on for ${thousands(rest)} bytes after the image, as a dump of a whole flash does`;
  return notOta(facts, what, hintFirmware);
}

type WholeWalk = Extract<Walk, { type: 'whole' }>;

function checksum(name: string, stored: number, computed: number): ImageCheck {
  if (stored === computed) return { name, verdict: 'ok', detail: byteText(stored) };
  return { name, verdict: 'wrong', detail: `${byteText(stored)} stored, ${byteText(computed)} computed` };
}

function isWrong(check: ImageCheck): boolean {
  return check.verdict === 'wrong';
}

/** The core's boot loader is linked to the last 4 KiB of instruction RAM; since 3.1 it has read-only data as well. */
function isEboot(segments: readonly Segment[]): boolean {
  return segments[0]?.address === 0x4010f000;
}

/** Data RAM, instruction RAM, mapped flash. */
function isAddressEsp8266(address: number): boolean {
  return (
    (address >= 0x3ffe8000 && address < 0x40000000) ||
    (address >= 0x40100000 && address < 0x40110000) ||
    (address >= 0x40200000 && address < 0x40300000)
  );
}
