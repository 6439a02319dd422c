/**
 * One file, one verdict: `inspect`, `push --dry-run` and a real deploy to a virtual device agree on every kind of image. A
 * refused one is refused before a datagram leaves; the flag that its refusal names lets it pass.
 */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { inspect } from '../../src/cli/commands/inspect.ts';
import type { ErrorCode } from '../../src/model/errors.ts';
import type { DeployEvent } from '../../src/model/events.ts';
import { deployProject } from '../../src/deploy/deploy-project.ts';
import type { ImageKind, Platform } from '../../src/model/types.ts';
import {
  defaultPartitions,
  makeEsp32Image,
  makeEsp8266Image,
  makeLittlefsImage,
  makeMergedEsp32Image,
  makePartitionTable,
  makeRp2040Image,
  noise,
  signEsp8266Image,
} from '../support/images.ts';
import {
  makeBootApp0,
  makeEncrypted,
  makeFirstHalf,
  makeFlashDump,
  makeInitData,
  makeOldEsp32Image,
  makeRamImage,
  makeSdkBootLoader,
  makeZephyrImage,
  signEsp32Image,
  signEsp32ImageV1,
} from '../support/other-images.ts';
import { addressOf, quickDevice } from '../support/otarc.ts';
import { tempDir } from '../support/temp-dir.ts';

interface Case {
  readonly what: string;
  readonly bytes: Uint8Array;
  readonly to: Platform;
  readonly verdict: ErrorCode | 'accepted';
  readonly kind?: ImageKind;
  readonly name?: string;
  /** Beside the image. */
  readonly partitions?: Uint8Array;
  /** The refusal names a flag that lets it pass. */
  readonly mayPass?: true;
}

const slots = (first: number, second: number): Uint8Array =>
  makePartitionTable([
    { label: 'app0', type: 0, subtype: 0x10, offset: 0x10000, sizeBytes: first },
    { label: 'app1', type: 0, subtype: 0x11, offset: 0x110000, sizeBytes: second },
    { label: 'spiffs', type: 1, subtype: 0x82, offset: 0x210000, sizeBytes: 0x10000 },
  ]);
const esp32 = makeEsp32Image({ sizeBytes: 20_000 });

const cases: readonly Case[] = [
  { what: 'ESP8266', bytes: makeEsp8266Image(), to: 'esp8266', verdict: 'accepted' },
  {
    what: 'ESP8266, core 2.7',
    bytes: makeEsp8266Image({ layout: 'core27' }),
    to: 'esp8266',
    verdict: 'accepted',
  },
  {
    what: 'ESP8266, core before 2.7',
    bytes: makeEsp8266Image({ layout: 'legacy' }),
    to: 'esp8266',
    verdict: 'accepted',
  },
  { what: 'ESP8266, gzip', bytes: gzipSync(makeEsp8266Image()), to: 'esp8266', verdict: 'accepted' },
  {
    what: 'ESP8266, signed',
    bytes: signEsp8266Image(makeEsp8266Image()),
    to: 'esp8266',
    verdict: 'accepted',
  },
  {
    what: 'ESP8266, unfinished',
    bytes: makeEsp8266Image({ layout: 'unfinished' }),
    to: 'esp8266',
    verdict: 'IMAGE_INCOMPLETE',
  },
  { what: 'ESP8266 SDK boot loader', bytes: makeSdkBootLoader(), to: 'esp8266', verdict: 'IMAGE_NOT_OTA' },
  { what: 'ESP8266 0x00000.bin', bytes: makeFirstHalf(), to: 'esp8266', verdict: 'IMAGE_NOT_OTA' },
  { what: 'ESP8266 MicroPython', bytes: makeFlashDump(), to: 'esp8266', verdict: 'IMAGE_NOT_OTA' },
  {
    what: 'ESP8266 NodeMCU, gzip',
    bytes: gzipSync(makeFlashDump('NodeMCU')),
    to: 'esp8266',
    verdict: 'IMAGE_NOT_OTA',
  },
  { what: 'esp_init_data_default.bin', bytes: makeInitData(), to: 'esp8266', verdict: 'IMAGE_NOT_OTA' },
  { what: 'ESP32', bytes: esp32, to: 'esp32', verdict: 'accepted' },
  { what: 'ESP32, core 1.0', bytes: makeOldEsp32Image(), to: 'esp32', verdict: 'accepted' },
  { what: 'ESP32-H4', bytes: makeEsp32Image({ chipId: 28 }), to: 'esp32', verdict: 'accepted' },
  { what: 'ESP32, signed (RSA)', bytes: signEsp32Image(esp32), to: 'esp32', verdict: 'accepted' },
  { what: 'ESP32, signed (ECDSA)', bytes: signEsp32Image(esp32, 'ecdsa'), to: 'esp32', verdict: 'accepted' },
  { what: 'ESP32, signed (version 1)', bytes: signEsp32ImageV1(esp32), to: 'esp32', verdict: 'accepted' },
  {
    what: 'ESP32, signature cut',
    bytes: signEsp32Image(esp32).subarray(0, -1000),
    to: 'esp32',
    verdict: 'IMAGE_INCOMPLETE',
  },
  { what: 'ESP32, gzip', bytes: gzipSync(esp32), to: 'esp32', verdict: 'IMAGE_NOT_OTA' },
  {
    what: 'ESP32 boot loader',
    bytes: makeEsp32Image({ bootloader: true }),
    to: 'esp32',
    verdict: 'IMAGE_NOT_OTA',
  },
  { what: 'ESP32, merged', bytes: makeMergedEsp32Image(), to: 'esp32', verdict: 'IMAGE_NOT_OTA' },
  { what: 'boot_app0.bin', bytes: makeBootApp0(), to: 'esp32', verdict: 'IMAGE_NOT_OTA' },
  { what: 'encrypted application', bytes: makeEncrypted(), to: 'esp32', verdict: 'IMAGE_NOT_OTA' },
  {
    what: 'partitions.bin',
    bytes: makePartitionTable(),
    name: 'partitions.bin',
    to: 'esp32',
    verdict: 'IMAGE_NOT_OTA',
  },
  { what: 'Zephyr', bytes: makeZephyrImage(), to: 'esp32', verdict: 'IMAGE_NOT_OTA', mayPass: true },
  { what: 'RAM alone', bytes: makeRamImage(), to: 'esp32', verdict: 'IMAGE_NOT_OTA', mayPass: true },
  { what: 'ESP32 for an ESP8266', bytes: esp32, to: 'esp8266', verdict: 'IMAGE_WRONG_CHIP', mayPass: true },
  {
    what: 'RP2040 for an ESP32',
    bytes: makeRp2040Image(),
    to: 'esp32',
    verdict: 'IMAGE_WRONG_CHIP',
    mayPass: true,
  },
  {
    what: 'larger than both slots',
    bytes: esp32,
    partitions: slots(0x4000, 0x4000),
    to: 'esp32',
    verdict: 'IMAGE_TOO_LARGE',
    mayPass: true,
  },
  {
    what: 'larger than one slot',
    bytes: esp32,
    partitions: slots(0x8000, 0x4000),
    to: 'esp32',
    verdict: 'accepted',
  },
  { what: 'RP2040', bytes: makeRp2040Image({ info: true }), to: 'rp2040', verdict: 'accepted' },
  { what: 'RP2040, gzip', bytes: gzipSync(makeRp2040Image()), to: 'rp2040', verdict: 'accepted' },
  {
    what: 'RP2040, cut',
    bytes: makeRp2040Image({ sizeBytes: 40_000, info: true }).subarray(0, 20_480),
    to: 'rp2040',
    verdict: 'IMAGE_INCOMPLETE',
  },
  { what: 'RP2350', bytes: makeRp2040Image().subarray(256), to: 'rp2040', verdict: 'accepted' },
  { what: 'littlefs', bytes: makeLittlefsImage(), to: 'esp32', verdict: 'accepted' },
  {
    what: 'file system without a superblock',
    bytes: noise(65_536, 3),
    name: 'spiffs.bin',
    to: 'esp8266',
    verdict: 'accepted',
  },
  {
    what: 'file system that begins like a partition table',
    bytes: new Uint8Array([0xaa, 0x50, ...noise(8190, 4)]),
    kind: 'filesystem',
    to: 'esp8266',
    verdict: 'accepted',
  },
  {
    what: 'file system of another size',
    bytes: makeLittlefsImage({ sizeBytes: 0x8000 }),
    partitions: makePartitionTable(defaultPartitions),
    to: 'esp32',
    verdict: 'IMAGE_TOO_LARGE',
    mayPass: true,
  },
  {
    what: 'the same for a chip without partitions',
    bytes: makeLittlefsImage({ sizeBytes: 0x8000 }),
    partitions: makePartitionTable(defaultPartitions),
    to: 'esp8266',
    verdict: 'accepted',
  },
  {
    what: 'sketch as a file system',
    bytes: makeEsp8266Image(),
    kind: 'filesystem',
    to: 'esp8266',
    verdict: 'IMAGE_NOT_OTA',
  },
  { what: 'noise', bytes: noise(5000, 99), to: 'esp8266', verdict: 'IMAGE_NOT_OTA' },
];

interface Pushed {
  readonly verdict: string;
  readonly hint: string;
  readonly warnings: readonly string[];
}

async function pushed(
  address: string,
  {
    file,
    to,
    kind,
    ...more
  }: {
    file: string;
    to: Platform;
    kind?: ImageKind | undefined;
    dryRun?: boolean;
    allowed?: ReadonlySet<ErrorCode>;
  },
): Promise<Pushed> {
  const events: DeployEvent[] = [];
  await deployProject({
    source: 'file',
    file,
    targets: [address],
    flags: { cwd: join(file, '..'), platform: to, ...(kind === 'filesystem' ? { filesystem: true } : {}) },
    env: { HOME: join(file, '..') },
    onEvent: (event) => events.push(event),
    ...more,
  });
  const failure = events.find((event) => event.type === 'failed');
  return {
    verdict: failure === undefined ? 'accepted' : failure.code,
    hint: failure?.hint ?? '',
    warnings: events.flatMap((event) =>
      event.type === 'log' && event.level === 'warn' ? [event.message] : [],
    ),
  };
}

async function inspected(file: string, platform: Platform, kind: ImageKind | undefined) {
  const stdout = new PassThrough();
  const io = {
    stdout,
    stderr: new PassThrough(),
    stdin: new PassThrough(),
    env: {},
    cwd: '/',
    signal: new AbortController().signal,
  };
  const exitCode = await inspect({ file, json: true, platform, ...(kind === undefined ? {} : { kind }) }, io);
  stdout.end();
  return {
    exitCode,
    json: JSON.parse(await text(stdout)) as {
      type: string;
      push: { verdict: string; findings: { code: string; level: string }[] }[];
    },
  };
}

describe('inspect, a dry run and a deploy agree', () => {
  it.each(cases)(
    'on: $what, $verdict',
    async ({ bytes, to, verdict, kind, name = 'firmware.bin', partitions, mayPass }) => {
      const dir = await tempDir();
      const file = join(dir, name);
      await writeFile(file, bytes);
      if (partitions !== undefined) await writeFile(join(dir, 'partitions.bin'), partitions);
      const device = await quickDevice({ model: to });
      const address = addressOf(device);

      const { exitCode, json } = await inspected(file, to, kind);
      const [push] = json.push;
      const errors = push?.findings.filter(({ level }) => level === 'error') ?? [];
      expect([push?.verdict, errors[0]?.code ?? 'accepted']).toEqual([
        verdict === 'accepted' ? 'accepted' : 'refused',
        verdict,
      ]);
      expect(exitCode).toBe(verdict === 'accepted' || json.type === 'partition-table' ? 0 : 1);

      const dry = await pushed(address, { file, to, kind, dryRun: true });
      expect(dry.verdict).toBe(verdict);
      expect(device.counters.datagrams).toBe(0);
      const real = await pushed(address, { file, to, kind });
      expect(real.verdict).toBe(verdict);
      expect(real.warnings).toEqual(dry.warnings);
      expect(device.updates).toHaveLength(verdict === 'accepted' ? 1 : 0);

      expect(real.hint.includes(`--allow ${verdict}`)).toBe(mayPass === true);
      if (mayPass !== true) return;
      const allowed = new Set([verdict as ErrorCode]);
      const passed = await pushed(address, { file, to, kind, dryRun: true, allowed });
      expect(passed).toMatchObject({
        verdict: 'accepted',
        warnings: [expect.stringMatching(`^${verdict} was allowed: `)],
      });
    },
  );
});
