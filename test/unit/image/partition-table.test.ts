import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wholeNumber } from '../../../src/image/partition-numbers.ts';
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
    ['a,,ota_0,,1M', 'unknown type ""'],
    ['a,app,0x100,,1M', '"0x100" is not a subtype'],
    ['a,app,ota_0,,', '"" is not a size'],
    ['a,app,ota_0,12x,1M', '"12x" is not an offset'],
    ['a,app,ota_0,010,1M', '"010" is not an offset'],
    ['a,app,ota_0,-0x10000,1M', '"-0x10000" is not an offset'],
    ['a,app,ota_0,0x20000,-64K', 'ends at 0x10000, before its start at 0x20000'],
    ['a,app', 'is not a size'],
    ['a,data,nvs,0x8000,4K', 'inside the partition table (ends at 0x9000)'],
  ])('names the line of a mistake: %s', (line, why) => {
    const parsed = parsePartitionTable(csv(`# comment\n\n${line}\n`));
    expect(parsed).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(why) });
    expect(parsed).toMatchObject({ message: expect.stringContaining('line 3') });
  });

  it.each([
    [
      'offsets in KiB, and comments behind',
      'nvs,data,nvs,36K,20K,\nfactory, app, factory, 64K, 1900K # no OTA',
      2,
    ],
    [
      'types by number, subtypes of one’s own',
      'otadata,1,ota,0xe000,0x2000\nota_0,0,ota_0,0x10000,2M\neeprom,data,0x99,,4K',
      3,
    ],
    [
      'slots that differ, data that starts late',
      'otadata,data,ota,0x10000,0x2000,\na,app,ota_0,0x20000,0x3E0000,\nb,app,ota_1,0x400000,0x800000,',
      3,
    ],
    ['flags', 'keys,data,nvs_keys,0x12000,0x1000,encrypted\na,app,ota_0,0x20000,1M,encrypted:readonly', 2],
  ])('takes what layouts in use have: %s', (_, text, count) => {
    expect(tableOf(csv(text)).partitions).toHaveLength(count);
  });

  it.each<[string, number | undefined]>([
    ['0x10000', 65536],
    ['0X1_0000', 65536],
    ['0b1_0000', 16],
    ['0o17', 15],
    ['0O1_7', 15],
    ['1_000', 1000],
    ['000', 0],
    ['+7', 7],
    ['-16K', -16384],
    ['2k', 2048],
    ['0x1M', 1048576],
    ['64 K', 65536],
    ['1_', undefined],
    ['1__0', undefined],
    ['_1', undefined],
    ['07', undefined],
    ['0x', undefined],
    ['0o8', undefined],
    ['0b2', undefined],
    ['1e3', undefined],
    ['1.5M', undefined],
    ['K', undefined],
    ['', undefined],
    ['k'.repeat(60_000), undefined],
  ])('reads the number %s as the reference tool does', (text, value) => {
    expect(wholeNumber(text)).toBe(value);
  });

  it('takes names in any case', () => {
    const upper = 'nvs,DATA,NVS,0x9000,0x5000\na,App,OTA_0,0x10000,1M';
    expect(tableOf(csv(upper)).partitions.map(({ type, subtype }) => [type, subtype])).toEqual([
      [1, 0x02],
      [0, 0x10],
    ]);
  });

  it('ends a partition at the address that a negative size names', () => {
    const text = 'a,app,ota_0,0x10000,1M\nfs,data,spiffs,,-0x400000';
    expect(tableOf(csv(text)).partitions[1]).toMatchObject({ offset: 0x110000, sizeBytes: 0x2f0000 });
  });

  it.each(['\n', '\r\n', '\r', '\u2028'])('takes %j for the end of a line', (end) => {
    const text = ['# layout', 'nvs,data,nvs,0x9000,20K', 'a,app,ota_0,0x10000,1M', ''].join(end);
    expect(tableOf(csv(text)).partitions).toHaveLength(2);
  });

  it('takes a file of an editor that writes UTF-16', () => {
    const text = 'a,app,ota_0,0x10000,1M\n';
    expect(tableOf(new Uint8Array(Buffer.from(`\uFEFF${text}`, 'utf16le'))).partitions).toHaveLength(1);
    expect(tableOf(csv(`\uFEFF${text}`)).partitions[0]?.label).toBe('a');
  });

  it('knows the partitions of a trusted environment', () => {
    const text = `tee_0,app,tee_0,0x10000,192K
tee_otadata,data,tee_ota,,8K
sec,data,nvs,,20K
ota_0,app,ota_0,,1M
`;
    expect(tableOf(csv(text)).partitions.map(({ subtype }) => subtype)).toEqual([0x30, 0x90, 0x02, 0x10]);
  });

  it('loses only the row of a subtype that came later: the places of the others stay', () => {
    const table = tableOf(csv('new,data,quantum_keys,0x9000,28K\na,app,ota_0,,1M\nb,app,ota_1,,1M'));
    expect(table.partitions.map(({ label, offset }) => [label, offset])).toEqual([
      ['a', 0x10000],
      ['b', 0x110000],
    ]);
    expect(table.skipped).toEqual(['new (unknown subtype "quantum_keys")']);
  });

  it('takes rows of the boot loader and of the table itself, which have their fixed places', () => {
    const text = `bootloader,bootloader,primary,,
partition_table,partition_table,primary,,
nvs,data,nvs,0x9000,20K
`;
    expect(parsePartitionTable(csv(text))).toMatchObject({
      ok: true,
      table: { partitions: [{ label: 'nvs' }] },
    });
  });

  it('without an entry is none', () => {
    for (const text of ['', '# only a comment\n', ' \n\n']) {
      expect(parsePartitionTable(csv(text))).toMatchObject({ ok: false, code: 'CONFIG_INVALID' });
    }
  });
});

describe('a layout that cannot be', () => {
  const slot = { label: 'a', type: 0, subtype: 0x10, offset: 0x10000, sizeBytes: 0x100000 };
  const next = { label: 'b', type: 0, subtype: 0x11, offset: 0x110000, sizeBytes: 0x100000 };
  const nvs = { label: 'nvs', type: 1, subtype: 2, offset: 0x9000, sizeBytes: 0x5000 };

  it.each<[string, readonly (typeof slot)[], string]>([
    ['two of one name', [nvs, slot, { ...next, label: 'a' }], 'two partitions are called "a"'],
    ['an application off the 64 KiB', [nvs, { ...slot, offset: 0x18000 }], 'not a multiple of 0x10000'],
    ['data off the sector', [{ ...nvs, offset: 0x9004 }, slot], 'not a multiple of 0x1000'],
    ['an application of half a sector', [{ ...slot, sizeBytes: 0x800 }], 'not a multiple of 0x1000'],
    ['one over the other', [nvs, slot, { ...next, offset: 0x100000 }], '0x110000'],
  ])('is refused in both forms: %s', (_, partitions, why) => {
    const binary = parsePartitionTable(makePartitionTable(partitions));
    expect(binary).toMatchObject({ code: 'IMAGE_CORRUPT', message: expect.stringContaining(why) });
    const lines = partitions.map((each) =>
      [each.label, each.type, each.subtype, each.offset, each.sizeBytes].join(','),
    );
    expect(parsePartitionTable(csv(lines.join('\n')))).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(why),
    });
  });

  it('is seen whatever the order of the binary form', () => {
    const table = makePartitionTable([next, { ...slot, sizeBytes: 0x101000 }, nvs]);
    expect(parsePartitionTable(table)).toMatchObject({
      message: expect.stringContaining('"b" at 0x110000 overlaps "a"'),
    });
    expect(parsePartitionTable(makePartitionTable([next, slot, nvs])).ok).toBe(true);
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
