/**
 * CRC-32, most significant bit first: polynomial 0x04C11DB7, start 0xFFFFFFFF, no final XOR (known as CRC-32/MPEG-2).
 * The ESP8266's boot loader checks the sketch with it, and the RP2040's boot ROM the second-stage boot block (RP2040
 * datasheet, "Bootrom: flash second stage"). It is not the reflected one of zip and gzip, so `node:zlib` has none.
 */
export function crc32Msb(bytes: Uint8Array, start = 0xffffffff): number {
  let crc = start | 0;
  for (let index = 0; index < bytes.length; index += 1) {
    crc = (crc << 8) ^ (table[((crc >>> 24) ^ (bytes[index] ?? 0)) & 0xff] ?? 0);
  }
  return crc >>> 0;
}

const table = Int32Array.from({ length: 256 }, (_, index) => {
  let crc = index << 24;
  for (let bit = 0; bit < 8; bit += 1) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  return crc;
});
