/** What the parsers tell: everything that can be known of an image, whether it may be pushed or not. */

import type { ErrorCode } from '../model/errors.ts';
import type { Chip, Image, ImageKind, Platform } from '../model/types.ts';

export type ProblemCode = Extract<
  ErrorCode,
  'IMAGE_INCOMPLETE' | 'IMAGE_CORRUPT' | 'IMAGE_NOT_OTA' | 'CONFIG_INVALID'
>;

/** Why an image is not to be pushed. */
export interface ImageProblem {
  readonly code: ProblemCode;
  /** A predicate whose subject is the file: "ends inside segment 1". Whoever knows the path puts it in front. */
  readonly message: string;
  readonly hint?: string;
}

export interface Segment {
  /** Where the chip has it at run time. */
  readonly address: number;
  readonly sizeBytes: number;
  /** Of the segment's own 8-byte header in the file, as esptool counts it. */
  readonly fileOffset: number;
}

/** `not-checked`: the image ends or errs before it could be looked at. */
export type ImageVerdict = 'ok' | 'wrong' | 'absent' | 'not-checked';

/** One thing inside the image that guards it against damage. */
export interface ImageCheck {
  readonly name: string;
  readonly verdict: ImageVerdict;
  /** Stored value and the like, for a person. */
  readonly detail?: string;
}

/** How the header asks for the flash chip to be driven. */
export interface FlashSettings {
  /** `QIO`, `QOUT`, `DIO`, `DOUT`, or the number where it is none of them. */
  readonly mode: string;
  /** Such as `4 MB`. */
  readonly size: string;
  /** Such as `40 MHz`. */
  readonly frequency: string;
}

/** What an ESP32 application says of itself. Empty texts are left out. */
export interface AppDescription {
  readonly name?: string;
  readonly version?: string;
  /** Date and time of the compiler, as it wrote them. */
  readonly compiledAt?: string;
  readonly idfVersion?: string;
  /** Lower-case hex; absent where the build did not fill it in. */
  readonly elfSha256?: string;
}

export interface ImageFacts {
  /** What the file is, in a person's words. */
  readonly format: string;
  /** Absent: it is neither firmware nor a file system. */
  readonly kind?: ImageKind;
  readonly platform?: Platform;
  readonly chip?: Chip;
  readonly identity?: string;
  readonly compression?: 'gzip';
  /** Of the image inside the gzip. */
  readonly inflatedBytes?: number;
  readonly flash?: FlashSettings;
  readonly segments: readonly Segment[];
  readonly checks: readonly ImageCheck[];
  readonly app?: AppDescription;
  /** Length of the signature that follows the image (ESP8266 core's signed updates). */
  readonly signatureBytes?: number;
  /** Why it is refused unless the user insists (`--allow`): whole, but most probably not what is meant. */
  readonly doubts?: Image['doubts'];
  /** What a person should know although nothing is wrong. */
  readonly notes: readonly string[];
}

interface UnfitImage extends ImageProblem {
  readonly ok: false;
  readonly facts: ImageFacts;
  /** Nothing shows what kind of file it is. */
  readonly isUnknown?: true;
}

export type Identification = { readonly ok: true; readonly facts: ImageFacts } | UnfitImage;

/** Nothing wrong. */
export function fine(facts: ImageFacts): Identification {
  return { ok: true, facts };
}

export function incomplete(facts: ImageFacts, message: string, hint?: string): Identification {
  return wrong(facts, { code: 'IMAGE_INCOMPLETE', message, ...(hint === undefined ? {} : { hint }) });
}

export function corrupt(facts: ImageFacts, message: string, hint?: string): Identification {
  return wrong(facts, { code: 'IMAGE_CORRUPT', message, ...(hint === undefined ? {} : { hint }) });
}

/** The hint is demanded: who took the wrong file needs to hear which is the right one. */
export function notOta(facts: ImageFacts, message: string, hint: string): UnfitImage {
  return wrong(facts, { code: 'IMAGE_NOT_OTA', message, hint });
}

function wrong(facts: ImageFacts, problem: ImageProblem): UnfitImage {
  return { ok: false, facts, ...problem };
}
