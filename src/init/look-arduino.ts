/** Where arduino-cli keeps the boards of a sketch. It is asked only; nothing is compiled. */

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { parseProperties, platformOfFqbn } from '../builders/arduino-cli/plan.ts';
import { ask, type ToolAnswer } from '../builders/ask.ts';
import { findExecutable } from '../builders/executable.ts';
import type { Platform } from '../model/types.ts';
import type { Surroundings } from './look.ts';
import { localName, networkFolder } from './plan-arduino.ts';
import type { ArduinoFacts } from './types.ts';

const directoriesSchema = z.object({ data: z.string(), user: z.string() });
const coresSchema = z.object({
  platforms: z.array(
    z.object({
      installed_version: z.string().optional(),
      releases: z.record(
        z.string(),
        z.object({ boards: z.array(z.object({ fqbn: z.string().optional() })).optional() }),
      ),
    }),
  ),
});

interface Wanted extends Surroundings {
  readonly folder: string;
  readonly fqbn: string | undefined;
  /** Of the devices, as far as they say. */
  readonly platforms: readonly Platform[];
}

export async function lookAtArduino({
  folder,
  fqbn,
  platforms,
  ...surroundings
}: Wanted): Promise<ArduinoFacts> {
  const question = await asker(folder, surroundings);
  if (question === undefined) {
    return { sketchbook: '', problem: 'arduino-cli is not on PATH: its boards get no hook.' };
  }
  const directories = await readDirectories(question);
  if (directories === undefined) {
    return {
      sketchbook: '',
      problem: 'arduino-cli does not say where its sketchbook is: its boards get no hook.',
    };
  }
  const sketchbook = directories.user;
  const boards = fqbn === undefined ? await likelyBoards(question, platforms) : [fqbn];
  const [board] = boards;
  if (board === undefined || boards.length > 1) {
    const found =
      board === undefined
        ? 'no boards with OTA are installed'
        : `it could be ${boards.map(coreOf).join(', ')}`;
    const cure = 'name it with --fqbn, for example esp8266:esp8266:d1_mini';
    return {
      sketchbook,
      problem: `Nothing says which board the sketch is for (${found}): ${cure}. Upload gets no hook.`,
    };
  }
  const details = await question('board', 'details', '-b', board, '--show-properties=expanded');
  const properties = parseProperties(details.stdout);
  const core = properties['runtime.platform.path'];
  if (!details.ok || core === undefined) {
    return { sketchbook, problem: `arduino-cli does not know the board ${board}: Upload gets no hook.` };
  }
  return { sketchbook, core: { folder: core, fqbn: board, properties } };
}

/** Every file that a hook may have been put in, whatever board the sketch was for then. */
export async function findArduinoFiles(
  folder: string,
  surroundings: Surroundings,
): Promise<{ cores: readonly string[]; network?: string; isAsked: boolean }> {
  const question = await asker(folder, surroundings);
  const directories = question && (await readDirectories(question));
  if (directories === undefined) return { cores: [], isAsked: false };
  const packages = join(directories.data, 'packages');
  const cores = [
    ...(await foldersIn(packages, 1)).map((each) => join(each, 'hardware')),
    join(directories.user, 'hardware'),
  ];
  // packages/VENDOR/hardware/ARCHITECTURE/VERSION, and hardware/VENDOR/ARCHITECTURE in the sketchbook
  const folders = await Promise.all(cores.map((each) => foldersIn(each, 2)));
  return {
    cores: folders.flat().map((each) => join(each, localName)),
    network: join(directories.user, networkFolder),
    isAsked: true,
  };
}

async function foldersIn(folder: string, depth: number): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const below = entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink());
  const paths = below.map((entry) => join(folder, entry.name));
  if (depth === 1) return paths;
  return (await Promise.all(paths.map((path) => foldersIn(path, depth - 1)))).flat();
}

type Question = (...args: string[]) => Promise<ToolAnswer>;

async function asker(cwd: string, context: Surroundings): Promise<Question | undefined> {
  const file = await findExecutable({ names: ['arduino-cli'], env: context.env });
  if (file === undefined) return undefined;
  return (...args) => ask({ file, args, cwd }, context);
}

async function readDirectories(question: Question): Promise<z.infer<typeof directoriesSchema> | undefined> {
  const { stdout } = await question('config', 'get', 'directories', '--json');
  return directoriesSchema.safeParse(parseJson(stdout)).data;
}

/** One board of each installed core that knows OTA; where several do, of those that the devices are of. */
async function likelyBoards(question: Question, platforms: readonly Platform[]): Promise<string[]> {
  const { stdout } = await question('core', 'list', '--json');
  const cores = coresSchema.safeParse(parseJson(stdout)).data?.platforms ?? [];
  const boards = cores.flatMap(({ installed_version: version = '', releases }) => {
    const fqbn = releases[version]?.boards?.[0]?.fqbn;
    return fqbn === undefined || platformOfFqbn(fqbn) === undefined ? [] : [fqbn];
  });
  const fitting = boards.filter((fqbn) => platforms.some((platform) => platform === platformOfFqbn(fqbn)));
  return boards.length > 1 && fitting.length > 0 ? fitting : boards;
}

const coreOf = (fqbn: string): string => fqbn.split(':').slice(0, 2).join(':');

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
