/**
 * A gzip of an image: the ESP8266 core (>= 2.7) and arduino-pico inflate it at boot, no ESP32 does. What it holds is
 * known only from inside, so it is inflated here, within a limit. A signature may follow the compressed data, hence the
 * parts are taken one by one: `gunzip` would take what follows for a damaged second member.
 */

import { startsWith, u16, u32 } from './bytes.ts';

/** Loaded where there is a gzip: most images are none, and it takes a push two milliseconds. */
const zlib = () => process.getBuiltinModule('node:zlib');

export type Inflated =
  /** `end`: first byte after the gzip. */
  | { readonly type: 'whole'; readonly bytes: Uint8Array; readonly end: number }
  | { readonly type: 'truncated' }
  | { readonly type: 'damaged' }
  | { readonly type: 'too-large' };

export function isGzip(bytes: Uint8Array): boolean {
  return startsWith(bytes, [0x1f, 0x8b]);
}

/** The largest flash of an ESP8266 and of the usual RP2040 boards. */
export const inflateLimitBytes = 16 * 1024 * 1024;

/** Inflates one gzip member, at most `limitBytes`. Throws on nothing. */
export function inflateGzip(bytes: Uint8Array, limitBytes: number): Inflated {
  const start = headerLength(bytes);
  if (start === 'damaged') return { type: 'damaged' };
  if (start > bytes.length) return { type: 'truncated' };
  const inner = inflate(bytes.subarray(start), limitBytes);
  if (inner.type !== 'whole') return inner;
  const trailer = start + inner.end;
  if (bytes.length < trailer + 8) return { type: 'truncated' };
  const { crc32 } = zlib();
  const isRight =
    u32(bytes, trailer) === crc32(inner.bytes) && u32(bytes, trailer + 4) === inner.bytes.length >>> 0;
  return isRight ? { type: 'whole', bytes: inner.bytes, end: trailer + 8 } : { type: 'damaged' };
}

function inflate(deflated: Uint8Array, limitBytes: number): Inflated {
  const { constants, inflateRawSync } = zlib();
  try {
    // With `info` the engine comes along and says how much it took; the published types do not know of it.
    const result: unknown = inflateRawSync(deflated, {
      info: true,
      maxOutputLength: limitBytes,
      finishFlush: constants.Z_FINISH,
    });
    const { buffer, engine } = result as { buffer: Uint8Array; engine: { bytesWritten: number } };
    return { type: 'whole', bytes: buffer, end: engine.bytesWritten };
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (code === 'Z_BUF_ERROR') return { type: 'truncated' };
    return { type: code === 'ERR_BUFFER_TOO_LARGE' ? 'too-large' : 'damaged' };
  }
}

/** RFC 1952, 2.3. A length beyond the end of `bytes` says that the header is cut off. */
function headerLength(bytes: Uint8Array): number | 'damaged' {
  const flags = bytes[3] ?? 0;
  if ((bytes[2] ?? 8) !== 8 || flags > 0x1f) return 'damaged';
  let length = 10;
  if ((flags & 0x04) !== 0) length += 2 + u16(bytes, length);
  for (const flag of [0x08, 0x10]) {
    if ((flags & flag) === 0) continue;
    const zero = bytes.indexOf(0, length);
    length = zero === -1 ? bytes.length + 1 : zero + 1;
  }
  if ((flags & 0x02) !== 0) length += 2;
  return length;
}
