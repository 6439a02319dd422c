// The demo's "compiler": packs sketch.ino into an image of the shape that the ESP8266 Arduino core makes.
// In your project this is `pio run`, `arduino-cli compile`, or whatever makes your firmware.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const source = readFileSync('sketch.ino');
const code = Buffer.alloc(120_000); // the size of a small sketch
source.copy(code, 8);

const boot = program(0x4010f480, [[0x4010f000, Buffer.alloc(2048, 0x55)]]);
const sketch = program(0x40100004, [
  [0x40201010, code], // in flash
  [0x40100000, Buffer.alloc(256, 0x66)], // copied to RAM at its start
]);
const image = Buffer.concat([boot, Buffer.alloc(4096 - boot.length, 0xaa), sketch]);
// The core stores length and CRC in the first words of the code; both count as zero for the CRC itself.
const crc = crc32(image);
image.writeUInt32LE(image.length, 4112);
image.writeUInt32LE(crc, 4116);

mkdirSync('build', { recursive: true });
writeFileSync('build/firmware.bin', image);
console.log(`build/firmware.bin: ${image.length} bytes`);

/** Header (magic, segments, flash mode DIO, 4 MB at 40 MHz, entry), the segments, padding, checksum. */
function program(entry, segments) {
  const parts = [Buffer.from([0xe9, segments.length, 2, 0x40, ...words(entry)])];
  for (const [address, data] of segments) parts.push(Buffer.from(words(address, data.length)), data);
  const checksum = segments.reduce((sum, [, data]) => data.reduce((xor, byte) => xor ^ byte, sum), 0xef);
  const body = Buffer.concat(parts);
  return Buffer.concat([body, Buffer.alloc(15 - (body.length % 16)), Buffer.from([checksum])]);
}

/** Four bytes each, the lowest first. */
function words(...values) {
  return values.flatMap((value) => [value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24]);
}

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  }
  return crc >>> 0;
}
