/**
 * Projects that the real tools build: copies of `test/fixtures`, each with folders of its own for all that the tools write,
 * so that tests may run side by side.
 */

import { cp, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, delimiter, dirname, join } from 'node:path';
import { toolPaths } from './tools.ts';

const fixtures = join(import.meta.dirname, '..', 'fixtures');

export interface Project {
  /** The project's folder: what otarc is started in. */
  readonly dir: string;
  /** The file that holds `FW_VERSION`. */
  readonly source: string;
  /** The environment in which the tool finds compiler, packages and its own folders, and nothing of this machine's user. */
  readonly env: NodeJS.ProcessEnv;
}

interface PioOptions {
  /** The whole `platformio.ini`; default: the fixture's, with the one environment `d1_mini`. */
  readonly ini?: string;
}

/** A PlatformIO project in `dir`, which it makes. What pio keeps for itself goes into `<dir>.tools`. */
export async function makePioProject(dir: string, { ini }: PioOptions = {}): Promise<Project> {
  await cp(join(fixtures, 'pio', 'project'), dir, { recursive: true });
  if (ini !== undefined) await writeFile(join(dir, 'platformio.ini'), ini);
  const { pio, pioPackages } = toolPaths();
  const own = await ownFolder(dir);
  const env = {
    ...childEnv(own, [pio]),
    PLATFORMIO_CORE_DIR: join(own, 'core'),
    PLATFORMIO_PACKAGES_DIR: pioPackages,
    PLATFORMIO_PLATFORMS_DIR: join(fixtures, 'pio', 'platforms'),
    PLATFORMIO_SETTING_ENABLE_TELEMETRY: 'no',
    PLATFORMIO_DISABLE_UPGRADE_CHECK: 'true',
  };
  return { dir, source: join(dir, 'src', 'main.cpp'), env };
}

interface SketchOptions {
  /** The text of a `sketch.yaml`; default: none. */
  readonly sketchYaml?: string;
}

/** An Arduino sketch in `dir`, which it makes and after which it is named. The sketchbook with the board goes into `<dir>.tools`. */
export async function makeArduinoSketch(dir: string, { sketchYaml }: SketchOptions = {}): Promise<Project> {
  const source = join(dir, `${basename(dir)}.ino`);
  await cp(join(fixtures, 'arduino', 'sketches', 'Blink'), dir, { recursive: true });
  if (basename(dir) !== 'Blink') await rename(join(dir, 'Blink.ino'), source);
  if (sketchYaml !== undefined) await writeFile(join(dir, 'sketch.yaml'), sketchYaml);
  const own = await ownFolder(dir);
  await cp(join(fixtures, 'arduino', 'data'), join(own, 'data'), { recursive: true });
  await makeArduinoPlatform(join(own, 'user', 'hardware', 'otarc', 'esp8266'));
  const env = {
    ...childEnv(own, [toolPaths().arduinoCli]),
    ARDUINO_DIRECTORIES_DATA: join(own, 'data'),
    ARDUINO_DIRECTORIES_DOWNLOADS: join(own, 'data', 'staging'),
    ARDUINO_DIRECTORIES_USER: join(own, 'user'),
    ARDUINO_UPDATER_ENABLE_NOTIFICATION: 'false',
  };
  return { dir, source, env };
}

/** The board `otarc:esp8266:d1_mini` (and `nodemcuv2`). */
export const arduinoFqbn = 'otarc:esp8266:d1_mini';

/** Edits the sketch as a person does; the image then holds `fw-version:VERSION`. */
export async function setVersion({ source }: Project, version: string): Promise<void> {
  const text = await readFile(source, 'utf8');
  await writeFile(source, text.replace(/(?<=#define FW_VERSION ")[^"]*/, version));
}

async function makeArduinoPlatform(dir: string): Promise<void> {
  const shared = join(fixtures, 'esp8266');
  await cp(join(fixtures, 'arduino', 'hardware', 'otarc', 'esp8266'), dir, { recursive: true });
  await cp(join(shared, 'core'), join(dir, 'cores', 'arduino'), { recursive: true });
  await mkdir(join(dir, 'tools'));
  for (const name of ['pack.py', 'sketch.ld']) await cp(join(shared, name), join(dir, 'tools', name));
  const { compilerDir, ctags, python } = toolPaths();
  const lines = [`compiler.path=${compilerDir}/`, `tools.ctags.cmd.path=${ctags}`, `packer.python=${python}`];
  await writeFile(join(dir, 'platform.local.txt'), `${lines.join('\n')}\n`);
}

async function ownFolder(dir: string): Promise<string> {
  const own = `${dir}.tools`;
  for (const name of ['home', 'tmp']) await mkdir(join(own, name), { recursive: true });
  return own;
}

function childEnv(own: string, tools: readonly string[]): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) =>
    /^(LANG|LC_\w+|SYSTEMROOT|PYENV_ROOT)$/.test(name),
  );
  return {
    ...Object.fromEntries(kept),
    PATH: [...tools.map((tool) => dirname(tool)), process.env['PATH'] ?? ''].join(delimiter),
    HOME: join(own, 'home'),
    TMPDIR: join(own, 'tmp'),
  };
}
