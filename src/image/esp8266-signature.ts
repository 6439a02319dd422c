import { u32 } from './bytes.ts';

/**
 * The core's signing tool appends the signature and its length as u32 LE. Undefined: these bytes are no such thing.
 * The device refuses a signature with error 12 where it was made with another key.
 */
export function signatureLength(rest: Uint8Array): number | undefined {
  const length = rest.length - 4;
  if (length < 64 || length > maxSignatureBytes) return undefined;
  return u32(rest, length) === length ? length : undefined;
}

/** RSA of 4,096 bits. */
export const maxSignatureBytes = 512;

/** What the core's signing tool puts behind the name of the image. */
export const signedSuffix = '.signed';
