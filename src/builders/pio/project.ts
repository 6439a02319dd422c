import { realpath, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import * as z from 'zod';
import { OtaError } from '../../model/errors.ts';
import { redacted } from '../../model/redaction.ts';
import { Secret } from '../../model/secret.ts';
import { ask, type ToolAnswer, type AskContext } from '../ask.ts';
import { findExecutable } from '../executable.ts';
import { toolMissing } from '../failures.ts';
import type { BuildRequest } from '../types.ts';
import {
  pioAnswerSchema,
  pioConfigSchema,
  pioQuery,
  pioSystemSchema,
  type PioEnvironment,
  type PioProject,
} from './query.ts';

interface Pio {
  /** As people type it, where that would find it. */
  readonly name: string;
  readonly file: string;
}

/** On PATH, else where PlatformIO's own installer and its editor extension put it. */
export async function findPio({ env }: Pick<AskContext, 'env'>): Promise<Pio> {
  const onPath = await findExecutable({ names: ['pio', 'platformio'], env });
  if (onPath !== undefined) return { name: 'pio', file: onPath };
  const home = env['HOME'] ?? env['USERPROFILE'] ?? homedir();
  const core = env['PLATFORMIO_CORE_DIR'] ?? join(home, '.platformio');
  const folders = [join(core, 'penv', 'bin'), join(core, 'penv', 'Scripts')];
  const installed = await findExecutable({ names: ['pio', 'platformio'], env: {}, folders });
  if (installed === undefined) throw toolMissing({ tool: 'pio', file: 'pio' });
  return { name: installed, file: installed };
}

/** Reads platformio.ini as pio itself does. */
export async function readProject(pio: Pio, request: BuildRequest, context: AskContext): Promise<PioProject> {
  const cwd = request.projectDir;
  if (!(await isFile(join(cwd, 'platformio.ini')))) {
    throw new OtaError('CONFIG_INVALID', `There is no platformio.ini in ${cwd}.`, {
      hint: 'Start otarc in the project folder (pio does not search upward), or name it with `-C DIR` or `build.sketch`.',
      details: { projectDir: cwd },
    });
  }
  for await (const python of interpreters(pio, cwd, context)) {
    const answer = await askJson({ file: python, args: ['-c', pioQuery], cwd }, pioAnswerSchema, context);
    if (answer === undefined) continue; // not the Python that PlatformIO is installed in
    if ('error' in answer) throw unreadable(cwd, answer.error);
    return answer;
  }
  return readWithoutPython(pio, cwd, context);
}

/** Beside the executable that `pio` is or links to; else the one that pio names (a shim, a wrapper; 0.3 s). */
export async function* interpreters(pio: Pio, cwd: string, context: AskContext): AsyncGenerator<string> {
  const folder = dirname(await realpath(pio.file));
  // a venv has python.exe beside pio.exe, Python itself on Windows one folder up
  for (const name of ['python3', 'python', 'python.exe', join('..', 'python.exe')]) {
    const file = join(folder, name);
    if (await isFile(file)) {
      yield file;
      break;
    }
  }
  const question = { file: pio.file, args: ['system', 'info', '--json-output'], cwd };
  const system = await askJson(question, pioSystemSchema, context);
  if (system !== undefined) yield system.python_exe.value;
}

/** The long way round, which does not tell a board's chip, nor a build folder set by `workspace_dir`. */
async function readWithoutPython(pio: Pio, cwd: string, context: AskContext): Promise<PioProject> {
  const question = { file: pio.file, args: ['project', 'config', '--json-output'], cwd };
  const sections = await askJson(question, pioConfigSchema, context);
  if (sections === undefined) {
    throw new OtaError('CONFIG_INVALID', `PlatformIO cannot read its project in ${cwd}.`, {
      hint: 'Run `pio project config` there and fix what it reports.',
      details: { projectDir: cwd },
    });
  }
  return projectOfSections(sections, { cwd, env: context.env });
}

/** Pure. Of the variables, `pio project config` leaves these out where the file has no `[platformio]` section. */
export function projectOfSections(
  sections: z.infer<typeof pioConfigSchema>,
  { cwd, env }: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): PioProject {
  const options = new Map(sections.map(([section, values]) => [section, new Map(values)]));
  const project = options.get('platformio');
  const buildDir = env['PLATFORMIO_BUILD_DIR'] ?? text(project?.get('build_dir')) ?? join('.pio', 'build');
  const environments = [...options].flatMap(([section, values]): PioEnvironment[] => {
    if (!section.startsWith('env:')) return [];
    const platform = text(values.get('platform'));
    const filesystem = text(values.get('board_build.filesystem'));
    const name = section.slice('env:'.length);
    const upload = uploadOfSection(values);
    return [
      {
        name,
        ...(platform && { platform }),
        ...(filesystem && { filesystem }),
        ...(upload && { upload }),
      },
    ];
  });
  return {
    buildDir: resolve(cwd, buildDir),
    defaultEnvironments: texts(project?.get('default_envs')),
    environments,
  };
}

function uploadOfSection(values: ReadonlyMap<string, unknown>): PioEnvironment['upload'] {
  const [protocol, port] = [text(values.get('upload_protocol')), text(values.get('upload_port'))];
  const flags = texts(values.get('upload_flags')).map((each) => new Secret(each));
  if (protocol === undefined && port === undefined && flags.length === 0) return undefined;
  return { ...(protocol && { protocol }), ...(port && { port }), ...(flags.length > 0 && { flags }) };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function texts(value: unknown): string[] {
  return z.array(z.string()).safeParse(value).data ?? [];
}

export async function askJson<T>(
  question: Parameters<typeof ask>[0],
  schema: z.ZodType<T>,
  context: AskContext,
): Promise<T | undefined> {
  const answer = await ask(question, context);
  return answer.ok ? parseJson(answer, schema) : undefined;
}

function parseJson<T>({ stdout }: ToolAnswer, schema: z.ZodType<T>): T | undefined {
  try {
    return schema.parse(JSON.parse(stdout));
  } catch {
    return undefined;
  }
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() === true;
}

/** What PlatformIO says of its project's file, of one environment or of all. */
export function unreadable(projectDir: string, reason: string): OtaError {
  // Some of the parser's messages quote the line.
  const words = redacted(reason.replaceAll(/\s+/g, ' ').trim());
  return new OtaError('CONFIG_INVALID', `PlatformIO cannot read its project: ${words}`, {
    hint: 'Fix platformio.ini.',
    details: { projectDir },
  });
}
