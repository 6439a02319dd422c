// The demo's "compiler": packs sketch.ino into an image of the shape that the ESP8266 Arduino core makes.
// In your project this is `pio run`, `arduino-cli compile`, or whatever makes your firmware.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const source = readFileSync('sketch.ino');
const code = Buffer.alloc(120_000); // the size of a small sketch
source.copy(code, 8);

const boot = withSegment(0x4010f000, Buffer.alloc(2048, 0x55));
const image = Buffer.concat([boot, Buffer.alloc(4096 - boot.length, 0xaa), withSegment(0x40201010, code)]);
// The core stores length and CRC in the first words of the code; both count as zero for the CRC itself.
const crc = crc32(image);
image.writeUInt32LE(image.length, 4112);
image.writeUInt32LE(crc, 4116);

mkdirSync('build', { recursive: true });
writeFileSync('build/firmware.bin', image);
console.log(`build/firmware.bin: ${image.length} bytes`);

/** Header (magic, one segment, flash mode DIO, 4 MB at 40 MHz, entry), the segment, padding, checksum. */
function withSegment(address, data) {
  const head = Buffer.from([0xe9, 1, 2, 0x40, 0, 0, 0x10, 0x40, 0, 0, 0, 0, 0, 0, 0, 0]);
  head.writeUInt32LE(address, 8);
  head.writeUInt32LE(data.length, 12);
  const checksum = data.reduce((sum, byte) => sum ^ byte, 0xef);
  const padding = Buffer.alloc(15 - ((head.length + data.length) % 16));
  return Buffer.concat([head, data, padding, Buffer.from([checksum])]);
}

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  }
  return crc >>> 0;
}
