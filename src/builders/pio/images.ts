/**
 * Which file in PlatformIO's `<build_dir>/<env>` is the image.
 *
 * Usually `firmware.bin`, but an extra script may change PROGNAME (often to one with the version in it), and then the images
 * of earlier versions stay beside the new one. No query tells the name without the risk of deleting the build, so:
 *
 *   1. the program that pio says it has checked the size of, in every run that builds or finds nothing to build;
 *   2. else the newest `.bin` with an `.elf` of its name beside it (the boot loader of ESP-IDF excepted);
 *   3. else the newest `.bin` whose name is not one of those that are never pushed.
 *
 * Of two equally new ones `firmware.bin`, then the first by name.
 */

import { basename, dirname } from 'node:path/posix';

export interface FileInFolder {
  readonly name: string;
  readonly modifiedMs: number;
}

const neverPushed =
  /(^|[._-])(bootloader|partitions|boot_app0|ota_data_initial|factory|merged|combined|littlefs|spiffs|fatfs)([._-]|$)/i;

/** `program`: the PROGNAME that pio has told of. */
export function chooseFirmware(files: readonly FileInFolder[], program?: string): string | undefined {
  const images = files.filter(({ name }) => name.endsWith('.bin'));
  if (program !== undefined && images.some(({ name }) => name === `${program}.bin`)) return `${program}.bin`;

  const programs = new Set(files.flatMap(({ name }) => (name.endsWith('.elf') ? stem(name) : [])));
  const linked = images.filter(({ name }) => programs.has(stem(name)) && stem(name) !== 'bootloader');
  const pushable = images.filter(({ name }) => !neverPushed.test(stem(name)));
  return newest(linked.length > 0 ? linked : pushable, 'firmware.bin');
}

/** `filesystem`: `board_build.filesystem`. Without it the board or the platform decides, and the image last made tells. */
export function chooseFilesystemImage(
  files: readonly FileInFolder[],
  filesystem?: string,
): string | undefined {
  const names = (filesystem === undefined ? ['littlefs', 'spiffs', 'fatfs'] : [filesystem]).map(
    (name) => `${name}.bin`,
  );
  return newest(
    files.filter(({ name }) => names.includes(name)),
    'littlefs.bin',
  );
}

/** The PROGNAME in pio's output: `Checking size .pio/build/d1_mini/firmware.elf`. */
export function programName(outputEnd: string, environment: string | undefined): string | undefined {
  const lines = outputEnd.matchAll(/^Checking size "?(?<path>.+)\.elf"?$/gm);
  const paths = [...lines].map((line) => (line.groups?.['path'] ?? '').replaceAll('\\', '/'));
  return paths
    .filter((path) => basename(dirname(path)) === environment)
    .map((path) => basename(path))
    .at(-1);
}

function newest(files: readonly FileInFolder[], preferred: string): string | undefined {
  const [first] = files.toSorted(
    (a, b) =>
      b.modifiedMs - a.modifiedMs ||
      Number(b.name === preferred) - Number(a.name === preferred) ||
      (a.name < b.name ? -1 : 1),
  );
  return first?.name;
}

function stem(name: string): string {
  return name.replace(/\.[^.]*$/, '');
}
