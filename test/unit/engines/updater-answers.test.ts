/** Every text that an updater of the three cores can answer, with the platform whose core has it. */

import { describe, expect, test } from 'vitest';
import { isAlreadyRunning, numberIn } from '../../../src/engines/answer-number.ts';
import type { Cause } from '../../../src/model/finding.ts';
import { knownOf } from '../../../src/diagnose/known.ts';
import { errorCodes, OtaError, type ErrorCode } from '../../../src/model/errors.ts';
import { refused } from '../../../src/engines/espota/failures.ts';
import { transferFailed } from '../../../src/engines/espota/transfer-failures.ts';
import type { Chip, Image, ImageKind, Platform, Target } from '../../../src/model/types.ts';
import { diagnose } from '../../../src/diagnose/diagnose.ts';
import { causesOf } from '../../../src/engines/espota/causes/index.ts';
import type { Observations } from '../../../src/model/observations.ts';
import { diagnosedFully } from '../../support/diagnosed.ts';

type Code = Extract<ErrorCode, 'DEVICE_REFUSED' | 'DEVICE_BUSY' | 'IMAGE_REJECTED'>;
type Row = readonly [Platform, string, Code, Cause, RegExp, ImageKind?];

const esp8266: readonly Row[] = [
  ['esp8266', 'ERROR[1]: Flash Write Failed', 'IMAGE_REJECTED', 'power-dip', /power supply/],
  ['esp8266', 'ERROR[2]: Flash Erase Failed', 'IMAGE_REJECTED', 'power-dip', /erased.*power supply/],
  ['esp8266', 'ERROR[3]: Flash Read Failed', 'IMAGE_REJECTED', 'flash-fault', /read back/],
  ['esp8266', 'ERROR[4]: Not Enough Space', 'DEVICE_REFUSED', 'image-too-large', /beside the running sketch/],
  ['esp8266', 'ERROR[4]: Not Enough Space', 'DEVICE_REFUSED', 'filesystem-size', /partition/, 'filesystem'],
  ['esp8266', 'ERROR[5]: Bad Size Given', 'DEVICE_REFUSED', 'image-too-large', /size/],
  ['esp8266', 'ERROR[5]: Bad Size Given', 'DEVICE_REFUSED', 'filesystem-size', /partition/, 'filesystem'],
  ['esp8266', 'ERROR[6]: Stream Read Timeout', 'IMAGE_REJECTED', 'weak-wifi', /nearer/],
  [
    'esp8266',
    'ERROR[7]: MD5 Failed: expected:1, calculated:2',
    'IMAGE_REJECTED',
    'damaged-on-the-way',
    /again/,
  ],
  ['esp8266', 'ERROR[8]: Flash config wrong real: 1, SDK: 2', 'DEVICE_REFUSED', 'flash-settings', /by cable/],
  [
    'esp8266',
    'ERROR[9]: new Flash config wrong, real: 1',
    'IMAGE_REJECTED',
    'flash-settings',
    /larger flash/,
  ],
  ['esp8266', 'ERROR[10]: Magic byte is not 0xE9', 'IMAGE_REJECTED', 'wrong-chip', /built for an ESP32-S3/],
  [
    'esp8266',
    'ERROR[11]: Invalid bootstrapping state, reset ESP8266 before updating',
    'DEVICE_REFUSED',
    'first-after-cable',
    /press reset/,
  ],
  ['esp8266', 'ERROR[12]: Signature verification failed', 'IMAGE_REJECTED', 'signature-refused', /sign/],
  ['esp8266', 'ERROR[13]: No data supplied', 'IMAGE_REJECTED', 'damaged-on-the-way', /nothing/],
  ['esp8266', 'ERROR[14]: Out of memory', 'DEVICE_REFUSED', 'out-of-memory', /power-cycle/],
  ['esp8266', 'ERROR[15]: Update already running', 'DEVICE_BUSY', 'update-running', /power-cycle/],
  ['esp8266', 'ERROR[16]: Unknown Command', 'DEVICE_REFUSED', 'not-supported', /by cable/],
  ['esp8266', 'ERROR[16]: Unknown Command', 'DEVICE_REFUSED', 'not-supported', /file-system/, 'filesystem'],
];

const esp32: readonly Row[] = [
  ['esp32', 'Flash Write Failed', 'IMAGE_REJECTED', 'power-dip', /power supply/],
  ['esp32', 'Flash Erase Failed', 'IMAGE_REJECTED', 'power-dip', /erased/],
  ['esp32', 'Flash Read Failed', 'IMAGE_REJECTED', 'flash-fault', /read back/],
  ['esp32', 'Not Enough Space', 'IMAGE_REJECTED', 'image-too-large', /more room/],
  ['esp32', 'Not Enough Space', 'IMAGE_REJECTED', 'filesystem-size', /partition/, 'filesystem'],
  ['esp32', 'Bad Size Given', 'IMAGE_REJECTED', 'image-too-large', /size/],
  ['esp32', 'Stream Read Timeout', 'IMAGE_REJECTED', 'weak-wifi', /nearer/],
  ['esp32', 'MD5 Check Failed', 'IMAGE_REJECTED', 'damaged-on-the-way', /again/],
  ['esp32', 'Wrong Magic Byte', 'IMAGE_REJECTED', 'wrong-chip', /firmware\.bin/],
  [
    'esp32',
    'Could Not Activate The Firmware',
    'IMAGE_REJECTED',
    'wrong-chip',
    /another chip.*ESP32-S3.*otarc inspect/,
  ],
  ['esp32', 'Partition Could Not be Found', 'IMAGE_REJECTED', 'no-partition', /second slot.*by cable/],
  [
    'esp32',
    'Partition Could Not be Found',
    'IMAGE_REJECTED',
    'no-partition',
    /file system.*by cable/,
    'filesystem',
  ],
  ['esp32', 'Bad Argument', 'IMAGE_REJECTED', 'no-partition', /by cable/],
  ['esp32', 'Aborted', 'IMAGE_REJECTED', 'update-aborted', /callbacks/],
  ['esp32', 'Decryption error', 'IMAGE_REJECTED', 'signature-refused', /encrypt/],
  ['esp32', 'Signature Verification Failed', 'IMAGE_REJECTED', 'signature-refused', /sign/],
];

const rp2040: readonly Row[] = [
  ['rp2040', 'No Filesystem', 'DEVICE_REFUSED', 'no-file-system', /flash layout with a file system/],
  ['rp2040', 'ERROR[0]: No Error', 'DEVICE_BUSY', 'update-running', /running/],
  ['rp2040', 'ERROR[4]: Not Enough Space', 'DEVICE_REFUSED', 'image-too-large', /larger file system/],
  ['rp2040', 'ERROR[4]: Not Enough Space', 'IMAGE_REJECTED', 'image-too-large', /full or damaged/],
  ['rp2040', 'ERROR[5]: Bad Size Given', 'DEVICE_REFUSED', 'image-too-large', /size/],
  [
    'rp2040',
    'ERROR[7]: MD5 Failed: expected:1, calculated:2',
    'IMAGE_REJECTED',
    'damaged-on-the-way',
    /again/,
  ],
  ['rp2040', 'ERROR[12]: Signature verification failed', 'IMAGE_REJECTED', 'signature-refused', /sign/],
];

const chips: Readonly<Record<Platform, Chip>> = { esp8266: 'esp8266', esp32: 'esp32-s3', rp2040: 'rp2040' };

function told([platform, answer, code, , , kind = 'firmware']: Row): OtaError {
  const target: Target = {
    name: 'hall',
    address: '192.0.2.7',
    port: 8266,
    via: 'config',
    platform,
    credential: { type: 'none' },
    acceptFrom: 'device',
  };
  // What an ESP8266 finds only in the first byte is an image of another chip.
  const isForeign = answer.includes('Magic');
  const chip = isForeign ? 'esp32-s3' : chips[platform];
  const bytes = new Uint8Array(1000);
  const image: Image = {
    path: 'f.bin',
    bytes,
    sizeBytes: 1000,
    md5: '',
    sha256: '',
    kind,
    chip,
    platform: isForeign ? 'esp32' : platform,
  };
  const observed = {
    hostAddress: '192.0.2.1',
    hostPort: 4711,
    invitations: 1,
    datagramsReceived: 1,
    undeliverable: [],
    foreignConnections: [],
  };
  const where = { target, observed };
  const error =
    code === 'IMAGE_REJECTED'
      ? transferFailed(where, image, {
          type: 'rejected',
          sentBytes: 1000,
          acknowledgedBytes: 400,
          silentMs: 10,
          answer,
        })
      : refused(where, { text: answer });
  return diagnosedFully(error, knownOf({ device: target, target, image }));
}

describe.each([
  ['ESP8266', esp8266],
  ['ESP32', esp32],
  ['RP2040', rp2040],
])('%s', (_, rows) => {
  test.each(rows.map((row) => [row[1], row[5] ?? 'firmware', row[2], row] as const))(
    '"%s" to a %s is %s with a cause and a cure of its own',
    (answer, __, code, row) => {
      const error = told(row);
      expect(error.code).toBe(code);
      // What a file system that was written in place has lost is told beside the cause.
      const causes = (error.details['causes'] as unknown[]).filter(
        (each) => each !== 'filesystem-half-written',
      );
      expect(causes[0]).toBe(row[3]);
      expect(error.hint).toMatch(row[4]);
      expect(error.hint).not.toContain('Read the answer');
      if (code !== 'DEVICE_BUSY') expect(error.message).toContain(answer);
    },
  );
});

describe('an image that an ESP8266 refuses at its end is first of all one of another chip', () => {
  const md5 = 'ERROR[7]: MD5 Failed: expected:1, calculated:2';
  const size = 'ERROR[9]: new Flash config wrong, real: 1';
  const magic = 'ERROR[10]: Magic byte is not 0xE9';
  const none = { undeliverable: [], foreignConnections: [] };
  const causes = (answer: string, seen: Partial<Observations>): readonly Cause[] => {
    const observed = { code: 'IMAGE_REJECTED', device: 'hall', answer, ...none, ...seen } as const;
    return diagnose(observed, causesOf(observed)).map(({ cause }) => cause);
  };

  test.each<[string, Partial<Observations>]>([
    [md5, { platform: 'esp8266', imagePlatform: 'rp2040' }],
    [md5, { platform: 'esp8266' }],
    [md5, { port: 8266, imagePlatform: 'rp2040' }],
    // At a port that says nothing, either an ESP8266 or an RP2040 has answered.
    [md5, { port: 4000, imagePlatform: 'rp2040' }],
    [md5, { port: 4000 }],
    // The errors of an ESP32 have no numbers, so this device is none.
    [size, { port: 4000, imagePlatform: 'esp32' }],
    [md5, { imagePlatform: 'esp32' }],
    [size, { platform: 'esp8266', imagePlatform: 'esp32' }],
    [magic, { platform: 'esp8266', imagePlatform: 'rp2040' }],
    [magic, { platform: 'esp8266' }],
    [magic, { port: 8266, imagePlatform: 'rp2040' }],
    [
      md5,
      {
        imagePlatform: 'rp2040',
        announced: { address: '192.0.2.7', port: 4000, platform: 'esp8266' },
      },
    ],
  ])('%s, %j', (answer, seen) => {
    const found = causes(answer, seen);
    expect(found[0]).toBe('wrong-chip');
    expect(found.filter((cause) => cause === 'wrong-chip')).toHaveLength(1);
    // What the number means of an image for the right chip is said second.
    expect(found[1]).toBe({ [md5]: 'damaged-on-the-way', [size]: 'flash-settings' }[answer]);
  });

  test.each<[string, Partial<Observations>, Cause]>([
    [md5, { platform: 'esp8266', imagePlatform: 'esp8266' }, 'damaged-on-the-way'],
    [md5, { platform: 'rp2040', imagePlatform: 'rp2040' }, 'damaged-on-the-way'],
    [md5, { port: 2040, imagePlatform: 'rp2040' }, 'damaged-on-the-way'],
    [md5, { port: 4000, imagePlatform: 'esp8266' }, 'damaged-on-the-way'],
    [md5, { platform: 'esp8266', imageKind: 'filesystem' }, 'damaged-on-the-way'],
    ['MD5 Check Failed', { platform: 'esp32', imagePlatform: 'esp32' }, 'damaged-on-the-way'],
    [size, { platform: 'esp8266', imagePlatform: 'esp8266' }, 'flash-settings'],
  ])('but not where it is for the device, or has no chip: %s, %j', (answer, seen, cause) => {
    expect(causes(answer, seen).filter((each) => each !== 'filesystem-half-written')).toEqual([cause]);
  });
});

test('every number of the ESP8266 core has a row', () => {
  const numbers = new Set(esp8266.map(([, answer]) => Number(/\d+/.exec(answer)?.[0])));
  expect([...numbers].toSorted((one, other) => one - other)).toEqual(
    Array.from({ length: 16 }, (_, index) => index + 1),
  );
});

test('a text that no core has is left to the person', () => {
  expect(told(['esp32', 'Sorry', 'IMAGE_REJECTED', 'power-dip', /./]).hint).toBe(
    errorCodes.IMAGE_REJECTED.hint,
  );
  expect(told(['esp8266', 'ERROR[99]: x', 'DEVICE_REFUSED', 'power-dip', /./]).hint).toBe(
    errorCodes.DEVICE_REFUSED.hint,
  );
});

test('an update that runs already: by number, by the word, and as an RP2040 has it', () => {
  for (const text of ['ERROR[15]: x', 'ERROR[0]: No Error', 'Update already running']) {
    expect(isAlreadyRunning(text)).toBe(true);
  }
  // An RP2040 repeats the error before, which is one of an image; these are what a beginning itself can meet.
  for (const number of [1, 2, 3, 6, 7, 9, 10, 12, 13])
    expect(isAlreadyRunning(`ERROR[${number}]: x`)).toBe(true);
  for (const number of [4, 5, 8, 11, 14, 16, 99]) expect(isAlreadyRunning(`ERROR[${number}]: x`)).toBe(false);
});

test('numberIn finds the number of an updater error, wherever it stands', () => {
  expect(numberIn('84ERROR[7]: MD5 Failed')).toBe(7);
  expect(numberIn('MD5 Check Failed')).toBeUndefined();
  expect(numberIn('ERROR[]')).toBeUndefined();
});
