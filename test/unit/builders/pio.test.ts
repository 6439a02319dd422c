import { describe, expect, it } from 'vitest';
import { chooseFilesystemImage, chooseFirmware, programName } from '../../../src/builders/pio/images.ts';
import { planOf } from '../../../src/builders/pio/plan.ts';
import { platformOf } from '../../../src/builders/pio/platform.ts';
import { projectOfSections } from '../../../src/builders/pio/project.ts';

/** `name@time` */
function files(...list: string[]): { name: string; modifiedMs: number }[] {
  return list.map((text) => {
    const [name = '', time = '0'] = text.split('@');
    return { name, modifiedMs: Number(time) };
  });
}

describe('the firmware among the files of a build folder', () => {
  it.each([
    { what: 'the usual one', list: ['firmware.bin', 'firmware.elf'], image: 'firmware.bin' },
    { what: 'none', list: ['firmware.elf', 'src'], image: undefined },
    {
      what: 'not what an ESP32 build leaves beside it',
      list: [
        'firmware.bin@1',
        'firmware.elf',
        'firmware.factory.bin@9',
        'bootloader.bin@9',
        'partitions.bin@9',
      ],
      image: 'firmware.bin',
    },
    {
      what: 'not a boot loader of ESP-IDF, which has an ELF too',
      list: ['firmware.bin@1', 'firmware.elf', 'bootloader.bin@9', 'bootloader.elf@9'],
      image: 'firmware.bin',
    },
    {
      what: 'the newest of several names',
      list: ['a-1.bin@5', 'a-1.elf', 'a-2.bin@4', 'a-2.elf'],
      image: 'a-1.bin',
    },
    {
      what: 'the one that pio told of, though older and oddly named',
      list: ['a-1.bin@5', 'a-1.elf', 'factory.bin@4', 'factory.elf'],
      program: 'factory',
      image: 'factory.bin',
    },
    {
      what: 'not one that pio told of and that is not there',
      list: ['a.bin', 'a.elf'],
      program: 'b',
      image: 'a.bin',
    },
    {
      what: 'one that was linked before one that was not',
      list: ['a.bin@1', 'a.elf', 'assets.bin@9'],
      image: 'a.bin',
    },
    { what: 'one without an ELF, if there is no other', list: ['a.bin', 'littlefs.bin@9'], image: 'a.bin' },
    { what: 'never a file system', list: ['littlefs.bin', 'spiffs.bin', 'fatfs.bin'], image: undefined },
    {
      what: 'firmware.bin of two of one time',
      list: ['a.bin', 'firmware.bin', 'z.bin'],
      image: 'firmware.bin',
    },
    { what: 'else the first by name', list: ['z.bin', 'b.bin', 'c.bin'], image: 'b.bin' },
  ])('$what', ({ list, program, image }) => {
    expect(chooseFirmware(files(...list), program)).toBe(image);
    expect(chooseFirmware(files(...list.toReversed()), program)).toBe(image);
  });
});

describe('the file-system image', () => {
  it('is the configured one, and no other', () => {
    expect(chooseFilesystemImage(files('littlefs.bin@1', 'spiffs.bin@2'), 'littlefs')).toBe('littlefs.bin');
    expect(chooseFilesystemImage(files('spiffs.bin@2'), 'littlefs')).toBeUndefined();
  });
  it('is the newest where nothing is configured', () => {
    expect(chooseFilesystemImage(files('littlefs.bin@1', 'spiffs.bin@2', 'firmware.bin@3'))).toBe(
      'spiffs.bin',
    );
  });
});

describe('the program that pio tells of', () => {
  it.each([
    ['Checking size .pio/build/hall/firmware.elf', 'firmware'],
    ['Checking size "/tmp/my out/hall/app-1.2.elf"\nBuilding x', 'app-1.2'],
    ['Checking size .pio\\build\\hall\\app.elf', 'app'],
    ['Checking size .pio/build/hall/a.elf\nChecking size .pio/build/garage/b.elf', 'a'],
    ['Checking size .pio/build/garage/b.elf', undefined],
    ['nothing of the kind', undefined],
  ])('%j: %s', (output, program) => {
    expect(programName(output, 'hall')).toBe(program);
  });
});

describe('the platform of an environment', () => {
  it.each([
    ['espressif8266@^4.2.1', undefined, 'esp8266'],
    [
      'https://github.com/pioarduino/platform-espressif32/releases/download/1/platform-espressif32.zip',
      undefined,
      'esp32',
    ],
    ['https://github.com/maxgerhardt/platform-raspberrypi.git', undefined, 'rp2040'],
    ['ours', 'esp8266', 'esp8266'],
    ['ours', 'esp32c3', 'esp32'],
    ['ours', 'rp2350', 'rp2040'],
    ['atmelavr', 'atmega328p', undefined],
    [undefined, undefined, undefined],
  ])('%s, %s: %s', (platform, mcu, expected) => {
    expect(platformOf({ platform, mcu })).toBe(expected);
  });
});

describe('what to run', () => {
  const pio = { name: 'pio', file: '/bin/pio' };
  const project = {
    buildDir: '/b',
    defaultEnvironments: [],
    environments: [{ name: 'hall', filesystem: 'spiffs' }],
  };
  const request = { projectDir: '/p', kind: 'firmware', args: ['-v'] } as const;

  it('is pio run with the arguments of the user at the end', () => {
    expect(planOf(pio, project, request)).toEqual({
      tool: 'pio',
      kind: 'firmware',
      environment: 'hall',
      run: { file: '/bin/pio', command: ['pio', 'run', '-e', 'hall', '-v'] },
      expected: { type: 'pio-folder', folder: '/b/hall', filesystem: 'spiffs' },
    });
  });
  it('is buildfs for a file-system image', () => {
    const plan = planOf(pio, project, { ...request, kind: 'filesystem' });
    expect(plan.run?.command).toEqual(['pio', 'run', '-e', 'hall', '-t', 'buildfs', '-v']);
  });
  it('is the command of the user in its place, for the image that the user names', () => {
    const plan = planOf(pio, project, { ...request, command: ['make', 'x'], image: '/i.bin' });
    expect(plan.run).toEqual({ file: 'make', command: ['make', 'x'] });
    expect(plan.expected).toEqual({ type: 'file', path: '/i.bin' });
  });
});

describe('a project known from `pio project config` only', () => {
  const sections: [string, [string, unknown][]][] = [
    [
      'platformio',
      [
        ['build_dir', 'out'],
        ['default_envs', ['hall']],
      ],
    ],
    ['common', []],
    [
      'env:hall',
      [
        ['platform', 'espressif8266'],
        ['board_build.filesystem', 'littlefs'],
      ],
    ],
  ];
  it('has its environments, defaults and build folder', () => {
    expect(projectOfSections(sections, { cwd: '/p', env: {} })).toEqual({
      buildDir: '/p/out',
      defaultEnvironments: ['hall'],
      environments: [{ name: 'hall', platform: 'espressif8266', filesystem: 'littlefs' }],
    });
  });
  it('obeys the variable, and has the default without anything', () => {
    const env = { PLATFORMIO_BUILD_DIR: '/b' };
    expect(projectOfSections(sections, { cwd: '/p', env }).buildDir).toBe('/b');
    expect(projectOfSections([], { cwd: '/p', env: {} }).buildDir).toBe('/p/.pio/build');
  });
});
