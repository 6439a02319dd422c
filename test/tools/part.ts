import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** Something that the tests need from outside and that can be installed. */
export interface Part {
  /** Installs it unless it is there. */
  provide(toolsDir: string): Promise<void>;
}

/**
 * A folder counts only with its stamp, which is written last and names the versions and the folder's own path (a venv does
 * not survive being moved). Anything else is deleted and made anew.
 */
export function isStamped(folder: string, versions: string): boolean {
  const stamp = join(folder, '.complete');
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === stampText(folder, versions);
}

export async function makeStamped(
  folder: string,
  versions: string,
  fill: () => Promise<void>,
): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  await mkdir(folder, { recursive: true });
  await fill();
  await writeFile(join(folder, '.complete'), stampText(folder, versions));
}

function stampText(folder: string, versions: string): string {
  return `${versions}\n${folder}\n`;
}

/** The absolute path of a program on PATH, or an empty string. */
export function onPath(program: string): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const found = folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
  return found ?? '';
}

/** Runs an installer; its output is shown only when it fails. */
export async function install(
  title: string,
  command: readonly [string, ...string[]],
  options = {},
): Promise<string> {
  process.stderr.write(`tools for the tests: ${title}\n`);
  const { execa } = await import('execa'); // 70 ms that only an installation pays
  const [file, ...args] = command;
  const result = await execa(file, args, { all: true, reject: false, stdin: 'ignore', ...options });
  if (result.failed) throw new Error(`${title}: ${result.shortMessage}\n${result.all}`);
  return result.stdout;
}
