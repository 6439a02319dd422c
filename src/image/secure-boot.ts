/**
 * What follows an ESP32 application: nothing, padding, or a signature of secure boot. The device checks the signature;
 * here it is seen whether all of it is there and whether it was made for these bytes (formats: esptool's espsecure).
 *
 *   version 1   u32 0, then 64 bytes (ECDSA), right behind the image
 *   version 2   0xFF up to the next sector of 4 KiB; a whole sector of up to three blocks of 1,216 bytes:
 *               0xE7, 2 (RSA) or 3 (ECDSA), then at 4 the SHA-256 of all before the sector, at 1196 a CRC-32 of the block
 *               (ECDSA with P-384: 1 at 2, and a SHA-384 at 4)
 */

import { createHash } from 'node:crypto';
import { thousands } from '../model/numbers.ts';
import { hex, isAllOf, u32 } from './bytes.ts';
import type { ImageCheck } from './facts.ts';

export type Rest =
  | { readonly type: 'nothing' }
  | { readonly type: 'cut'; readonly message: string; readonly checks: readonly ImageCheck[] }
  | { readonly type: 'damaged'; readonly message: string; readonly checks: readonly ImageCheck[] }
  | { readonly type: 'present'; readonly note: string; readonly checks: readonly ImageCheck[] };

const sectorBytes = 4096;
const blockCrcOffset = 1196;
const signatureV1Bytes = 68;

/** `end`: the first byte after the image and its digest. Throws on nothing. */
export function examineRest(bytes: Uint8Array, end: number): Rest {
  const rest = bytes.subarray(end);
  if (rest.length === 0) return { type: 'nothing' };
  const sector = upToSector(end);
  // espsecure leaves the padding out where it is asked to.
  const at = [sector, end].find((offset) => isBlock(bytes, offset));
  if (at !== undefined) return examineSector(bytes, at);
  const isVersion1 = rest.length <= signatureV1Bytes && isAllOf(rest.subarray(0, 4), 0) && !isAllOf(rest, 0);
  if (isVersion1) {
    if (rest.length === signatureV1Bytes) return present(rest, 'a signature of secure boot, version 1');
    return { type: 'cut', message: 'ends inside its signature (secure boot, version 1)', checks: [] };
  }
  const isPadding = isAllOf(rest, 0xff) || isAllOf(rest, 0);
  return present(rest, isPadding ? 'padding' : 'unknown content');
}

/** Where a signature of version 2 that follows the image ends, at the place where the device looks for it. Undefined: none is there. */
export function signatureEnd(bytes: Uint8Array, end: number): number | undefined {
  const at = upToSector(end);
  return isBlock(bytes, at) && bytes.length >= at + sectorBytes ? at + sectorBytes : undefined;
}

function upToSector(end: number): number {
  return Math.ceil(end / sectorBytes) * sectorBytes;
}

function isBlock(bytes: Uint8Array, offset: number): boolean {
  return (
    bytes[offset] === 0xe7 &&
    (bytes.length === offset + 1 || bytes[offset + 1] === 2 || bytes[offset + 1] === 3)
  );
}

function examineSector(bytes: Uint8Array, at: number): Rest {
  const block = bytes.subarray(at, at + sectorBytes);
  const scheme = block[1] === 3 ? 'ECDSA' : 'RSA';
  const name = 'signature digest';
  if (block.length < sectorBytes) {
    const message = `ends after ${thousands(bytes.length)} bytes, inside its signature sector, which ends at ${thousands(at + sectorBytes)}`;
    return { type: 'cut', message, checks: [{ name, verdict: 'not-checked' }] };
  }
  // Loaded where there is a signature: most images have none.
  const { crc32 } = process.getBuiltinModule('node:zlib');
  if (crc32(block.subarray(0, blockCrcOffset)) !== u32(block, blockCrcOffset)) {
    const checks: ImageCheck[] = [{ name: 'signature block CRC-32', verdict: 'wrong' }];
    return { type: 'damaged', message: 'is damaged: wrong CRC of its signature block', checks };
  }
  const algorithm = block[1] === 3 && block[2] === 1 ? 'sha384' : 'sha256';
  const computed = createHash(algorithm).update(bytes.subarray(0, at)).digest('hex');
  const stored = hex(block.subarray(4, 4 + computed.length / 2));
  if (stored !== computed) {
    const checks: ImageCheck[] = [
      { name, verdict: 'wrong', detail: `${stored} stored, ${computed} computed` },
    ];
    return { type: 'damaged', message: 'is damaged: its signature was made for other bytes', checks };
  }
  const note = `a signature of secure boot, version 2 (${scheme})`;
  return { ...present(bytes.subarray(at), note), checks: [{ name, verdict: 'ok', detail: computed }] };
}

function present(rest: Uint8Array, what: string): Extract<Rest, { type: 'present' }> {
  return { type: 'present', note: `${thousands(rest.length)} bytes follow the image: ${what}.`, checks: [] };
}
