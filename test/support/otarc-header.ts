/** `templates/sketches/otarc.h` under real compilers, against declarations of what the cores have (`test/fixtures/vendor`). */

import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Platform } from '../../src/model/types.ts';
import { templatePath } from './templates.ts';
import { tempDir } from './temp-dir.ts';
import { toolPaths } from './tools.ts';

const fixtures = join(import.meta.dirname, '..', 'fixtures');
/** Declarations of what the sketches use, as the vendors' libraries have it. Not those libraries, and nothing that runs. */
export const vendor = join(fixtures, 'vendor');

/** What the cores define for every file. */
export const coreDefines: Readonly<Record<Platform, string>> = {
  esp8266: 'ESP8266',
  esp32: 'ESP32',
  rp2040: 'ARDUINO_ARCH_RP2040',
};

export interface HeaderBuild {
  readonly platform: Platform;
  readonly defines?: readonly string[];
  /** Default `gnu++17`. */
  readonly standard?: string;
  /** Changes the header before it is compiled. */
  readonly edit?: (header: string) => string;
}

export interface Compiled {
  readonly exitCode: number | undefined;
  readonly stderr: string;
}

/** Compiles a sketch with the header and two files, as the ESP8266's compiler does it; every warning is an error. */
export async function compileHeader(build: HeaderBuild): Promise<Compiled> {
  const dir = await tempDir();
  const sketch = '#include "otarc.h"\nvoid setup() { otarc::announce(); }\nvoid loop() {}\n';
  await writeFile(join(dir, 'sketch.cpp'), sketch);
  const options = [...(await flags(dir, build)), '-Os', '-ffreestanding', '-mlongcalls'];
  const compiler = join(toolPaths().compilerDir, 'xtensa-lx106-elf-g++');
  const { exitCode, stderr } = await execa(compiler, [...options, '-c', 'sketch.cpp'], {
    cwd: dir,
    reject: false,
  });
  return { exitCode, stderr };
}

export interface RunOptions {
  /** What lies in the flash, from its start. */
  readonly flash?: Uint8Array;
  /** The core's number for the reason of the last reset. Default 0. */
  readonly reason?: number;
  /** What the core's own function returns for the sum. */
  readonly md5?: string;
  readonly hasMdns?: boolean;
}

export interface HeaderRun {
  /** Each line that it printed. */
  readonly lines: readonly string[];
  /** The bytes that it summed. */
  readonly summed: Uint8Array;
}

export const someMd5 = '0123456789abcdef0123456789abcdef';

/** Compiles the header for this computer. `flashEnd`: the linker's `__flash_binary_end`, from the start of the flash. */
export async function buildHeader({
  flashEnd = 4096,
  ...build
}: HeaderBuild & { readonly flashEnd?: number }) {
  const dir = await tempDir();
  const end = `-Wl,--defsym=__flash_binary_end=${0x1000_0000 + flashEnd}`;
  const source = ['-DVENDOR_RUNS', ...(await flags(dir, build)), '-no-pie', join(vendor, 'run.cpp')];
  await execa(toolPaths().hostCompiler, [...source, end, '-o', 'run'], { cwd: dir });
  /** Calls `announce()` twice. */
  return async ({
    flash,
    reason = 0,
    md5 = someMd5,
    hasMdns = true,
  }: RunOptions = {}): Promise<HeaderRun> => {
    await writeFile(join(dir, 'flash'), flash ?? new Uint8Array(flashEnd));
    const words = ['summed', 'flash', String(reason), md5, ...(hasMdns ? [] : ['none'])];
    const { stdout } = await execa(join(dir, 'run'), words, { cwd: dir });
    return { lines: stdout.split('\n'), summed: await readFile(join(dir, 'summed')) };
  };
}

async function flags(dir: string, { platform, defines = [], standard = 'gnu++17', edit }: HeaderBuild) {
  const header = await readFile(templatePath('sketches/otarc.h'), 'utf8');
  const edited = edit?.(header) ?? header;
  if (edit !== undefined && edited === header) throw new Error('The header has not what the test changes.');
  await writeFile(join(dir, 'otarc.h'), edited);
  const libraries = join(vendor, platform, 'libraries');
  const folders = (await readdir(libraries)).map((name) => join(libraries, name));
  return [
    `-std=${standard}`,
    '-Wall',
    '-Wextra',
    '-Wshadow',
    '-Werror',
    '-fno-exceptions',
    '-fno-rtti',
    ...[coreDefines[platform], ...defines].map((define) => `-D${define}`),
    '-include',
    join(vendor, platform, 'core.h'),
    ...[dir, join(fixtures, 'esp8266', 'core'), ...folders].map((folder) => `-I${folder}`),
  ];
}
