import type { ErrorCode } from './errors.ts';

/** The checks that look at an image before it goes out. No other failure can be allowed (`--allow`). */
export const allowableCodes = [
  'IMAGE_WRONG_CHIP',
  'IMAGE_TOO_LARGE',
  'IMAGE_NOT_OTA',
] as const satisfies readonly ErrorCode[];

export type AllowableCode = (typeof allowableCodes)[number];
