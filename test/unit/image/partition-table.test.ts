import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePartitionTable } from '../../../src/image/partition-table.ts';
import {
  filesystemPartition,
  smallestAppSlotBytes,
  type PartitionTable,
} from '../../../src/image/partition.ts';
import { defaultPartitions, flipped, makePartitionTable } from '../../support/images.ts';

const csv = (text: string): Uint8Array => new TextEncoder().encode(text);

function tableOf(bytes: Uint8Array): PartitionTable {
  const parsed = parsePartitionTable(bytes);
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.table;
}

describe('partitions.bin', () => {
  const binary = makePartitionTable();

  it('is read, with and without its MD5', () => {
    expect(tableOf(binary)).toEqual({ partitions: defaultPartitions, md5: 'ok' });
    expect(tableOf(makePartitionTable(defaultPartitions, { md5: false }))).toEqual({
      partitions: defaultPartitions,
      md5: 'absent',
    });
  });

  it('names slot and file-system partition', () => {
    const table = tableOf(binary);
    expect(smallestAppSlotBytes(table)).toBe(0x140000);
    expect(filesystemPartition(table)).toMatchObject({ label: 'spiffs', sizeBytes: 0x160000 });
  });

  it('takes the smallest of unequal slots, and no factory partition for one', () => {
    const [nvs, otadata] = defaultPartitions;
    if (nvs === undefined || otadata === undefined) throw new Error('no partitions');
    const factory = { label: 'factory', type: 0, subtype: 0, offset: 0x10000, sizeBytes: 0x80000 };
    const slot0 = { label: 'app0', type: 0, subtype: 0x10, offset: 0x90000, sizeBytes: 0x120000 };
    const slot1 = { label: 'app1', type: 0, subtype: 0x11, offset: 0x1b0000, sizeBytes: 0x100000 };
    expect(smallestAppSlotBytes(tableOf(makePartitionTable([nvs, otadata, factory, slot0, slot1])))).toBe(
      0x100000,
    );
    const single = tableOf(makePartitionTable([nvs, factory]));
    expect(smallestAppSlotBytes(single)).toBeUndefined();
    expect(filesystemPartition(single)).toBeUndefined();
  });

  it('has no end at any length that cuts into it', () => {
    const end = (defaultPartitions.length + 2) * 32;
    for (let length = 2; length < end; length += 1) {
      expect([length, parsePartitionTable(binary.subarray(0, length)).ok]).toEqual([length, false]);
    }
    expect(parsePartitionTable(binary.subarray(0, end)).ok).toBe(true);
  });

  it('is damaged with any bit of an entry flipped', () => {
    const end = defaultPartitions.length * 32;
    for (let offset = 2; offset < end; offset += 1) {
      expect([offset, parsePartitionTable(flipped(binary, offset))]).toMatchObject([
        offset,
        { code: 'IMAGE_CORRUPT' },
      ]);
    }
  });
});

describe('partitions.csv', () => {
  it('is read as the binary made from it', () => {
    const text = `# Name,   Type, SubType, Offset,  Size, Flags
nvs,      data, nvs,     0x9000,  0x5000,
otadata,  data, ota,     0xe000,  0x2000,
app0,     app,  ota_0,   0x10000, 0x140000,
app1,     app,  ota_1,   0x150000,0x140000,
spiffs,   data, spiffs,  0x290000,0x160000,
coredump, data, coredump,0x3F0000,0x10000,
`;
    expect(tableOf(csv(text)).partitions).toEqual(defaultPartitions);
    expect(tableOf(csv(text.replaceAll('\n', '\r\n'))).partitions).toEqual(defaultPartitions);
  });

  it('fills in offsets: applications at 64 KiB, the rest at 4 KiB', () => {
    const text =
      'nvs,data,nvs,,20K\nota,data,ota,,8K\none,app,ota_0,,1M # slot\ntwo,app,ota_1,,1M\nfs,data,littlefs,,640K';
    expect(tableOf(csv(text)).partitions.map(({ offset, sizeBytes }) => [offset, sizeBytes])).toEqual([
      [0x9000, 0x5000],
      [0xe000, 0x2000],
      [0x10000, 0x100000],
      [0x110000, 0x100000],
      [0x210000, 0xa0000],
    ]);
  });

  it('takes numbers for types', () => {
    expect(tableOf(csv('a,0,0x10,0x10000,65536\nb,0x40,7,,4K')).partitions).toEqual([
      { label: 'a', type: 0, subtype: 0x10, offset: 0x10000, sizeBytes: 65536 },
      { label: 'b', type: 0x40, subtype: 7, offset: 0x20000, sizeBytes: 4096 },
    ]);
  });

  it.each([
    ['a,apq,ota_0,,1M', 'unknown type "apq"'],
    ['a,app,ota_99,,1M', 'unknown subtype "ota_99"'],
    ['a,app,ota_0,,', '"" is no size'],
    ['a,app,ota_0,12x,1M', '"12x" is no offset'],
    ['a,app', 'is no size'],
  ])('names the line of a mistake: %s', (line, why) => {
    const parsed = parsePartitionTable(csv(`# comment\n\n${line}\n`));
    expect(parsed).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(why) });
    expect(parsed).toMatchObject({ message: expect.stringContaining('line 3') });
  });

  it('without an entry is none', () => {
    for (const text of ['', '# only a comment\n', ' \n\n']) {
      expect(parsePartitionTable(csv(text))).toMatchObject({ ok: false, code: 'CONFIG_INVALID' });
    }
  });
});

it('no bytes make the parser throw, and what it reads is in range', () => {
  const input = fc.oneof(
    fc.uint8Array({ maxLength: 4096 }),
    fc.uint8Array({ maxLength: 256 }).map((bytes) => new Uint8Array([0xaa, 0x50, ...bytes])),
    fc.string({ maxLength: 200, unit: fc.constantFrom(...'app,data,ota_0x16KM#\n-') }).map(csv),
  );
  fc.assert(
    fc.property(input, (bytes) => {
      const parsed = parsePartitionTable(bytes);
      if (!parsed.ok) return;
      for (const { offset, sizeBytes, type } of parsed.table.partitions) {
        expect(Number.isSafeInteger(offset + sizeBytes) && sizeBytes >= 0 && type >= 0 && type < 256).toBe(
          true,
        );
      }
    }),
    { numRuns: 300 },
  );
});
