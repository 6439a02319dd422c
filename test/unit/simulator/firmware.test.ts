import { gzipSync } from 'node:zlib';

import { expect, test } from 'vitest';

import {
  bootedFrom,
  updaterComplaint,
  failsAtFirstSector,
  md5Of,
  refusal,
} from '../../../src/simulator/firmware.ts';
import { modelFacts, type Model } from '../../../src/simulator/models.ts';

const complaintOf = (model: Model, bytes: Uint8Array, command: 0 | 100 = 0): string | undefined => {
  const facts = modelFacts[model];
  return updaterComplaint(
    { command, bytes, md5: md5Of(bytes) },
    { facts, flash: facts.flash, failsMd5: false },
  );
};

test('refusals before the image', () => {
  const { flash } = modelFacts.esp8266;
  expect(
    refusal({ command: 0, sizeBytes: flash.slotBytes }, { platform: 'esp8266', flash, faults: {} }),
  ).toBeUndefined();
  expect(
    refusal({ command: 0, sizeBytes: flash.slotBytes + 1 }, { platform: 'esp8266', flash, faults: {} }),
  ).toMatch(/^ERROR\[4\]/);
  expect(
    refusal({ command: 100, sizeBytes: flash.slotBytes + 1 }, { platform: 'esp8266', flash, faults: {} }),
  ).toBeUndefined();
  expect(
    refusal(
      { command: 100, sizeBytes: flash.filesystemBytes + 1 },
      { platform: 'esp8266', flash, faults: {} },
    ),
  ).toMatch(/^ERROR\[4\]/);
  expect(refusal({ command: 0, sizeBytes: 0 }, { platform: 'esp8266', flash, faults: {} })).toMatch(
    /^ERROR\[5\]/,
  );
});

test('an ESP8266 looks at the first byte and at the flash size, and not into a gzip or a file system', () => {
  expect(complaintOf('esp8266', Buffer.from([0xe9, 1, 2, 0x40]))).toBeUndefined();
  expect(complaintOf('esp8266', Buffer.from([0xe9, 1, 2, 0x90]))).toMatch(/^ERROR\[9\]/);
  expect(complaintOf('esp8266', Buffer.from([0xe9, 1, 2, 0x20]))).toBeUndefined();
  expect(complaintOf('esp8266', Buffer.from([0x7f, 1, 3, 0x40]))).toBe('ERROR[10]: Magic byte is not 0xE9');
  expect(complaintOf('esp8266', gzipSync('hello'))).toBeUndefined();
  expect(complaintOf('esp8266', Buffer.from('hello'), 100)).toBeUndefined();
});

test('an ESP8266 misses the MD5 of an image whose flash mode it does not know, whatever its first byte', () => {
  expect(complaintOf('esp8266', Buffer.from([0xe9, 1, 4, 0x40]))).toMatch(/^ERROR\[7\]/);
  expect(complaintOf('esp8266', Buffer.from('hello'))).toMatch(/^ERROR\[7\]/);
  for (const model of ['esp32', 'rp2040'] as const)
    expect(complaintOf(model, Buffer.from([0xe9, 1, 4, 0x40]))).toBeUndefined();
});

test('an RP2040 takes any first byte; an ESP32 drops the first sector', () => {
  expect(complaintOf('rp2040', Buffer.from('hello'))).toBeUndefined();
  const { esp32, esp8266 } = modelFacts;
  expect(failsAtFirstSector({ command: 0, sizeBytes: 1 }, 0x1f, esp32)).toBe(true);
  expect(failsAtFirstSector({ command: 0, sizeBytes: 1 }, 0xe9, esp32)).toBe(false);
  expect(failsAtFirstSector({ command: 100, sizeBytes: 1 }, 0x42, esp32)).toBe(false);
  expect(failsAtFirstSector({ command: 0, sizeBytes: 1 }, 0x42, esp8266)).toBe(false);
});

test('the announced MD5 may be in upper case', () => {
  const facts = modelFacts.esp32;
  const bytes = Buffer.from([0xe9]);
  const check = (md5: string): string | undefined =>
    updaterComplaint({ command: 0, bytes, md5 }, { facts, flash: facts.flash, failsMd5: false });
  expect(check(md5Of(bytes).toUpperCase())).toBeUndefined();
  expect(check(md5Of(Buffer.from('x')))).toBe('MD5 Check Failed');
});

test('what boots', () => {
  const { esp8266, esp32 } = modelFacts;
  expect(Buffer.from(bootedFrom(gzipSync('sketch'), esp8266) ?? []).toString()).toBe('sketch');
  expect(bootedFrom(Buffer.from([0x1f, 0x8b, 0]), esp8266)).toBeUndefined();
  expect(bootedFrom(gzipSync('sketch'), esp32)?.[0]).toBe(0x1f);
});
