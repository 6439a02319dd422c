import { join, resolve } from 'node:path';
import { OtaError } from '../../model/errors.ts';
import type { Platform } from '../../model/types.ts';
import { ask, type AskContext } from '../ask.ts';
import { findExecutable } from '../executable.ts';
import { toolMissing } from '../failures.ts';
import { plainText } from '../output-end.ts';
import { namedImage, ownCommand, type BuildPlan, type ExpectedImage } from '../plan.ts';
import type { BuildRequest } from '../types.ts';
import { findSketchFile, type SketchFile } from './sketch-file.ts';

export async function planArduinoCli(request: BuildRequest, context: AskContext): Promise<BuildPlan> {
  if (request.kind === 'filesystem') return planFilesystem(request);

  const file = await findExecutable({ names: ['arduino-cli'], env: context.env });
  const own = ownCommand(request.command);
  const named = namedImage(request);
  if (own !== undefined && named !== undefined) {
    return { tool: 'arduino-cli', kind: 'firmware', run: own, expected: named };
  }
  if (file === undefined) throw toolMissing({ tool: 'arduino-cli', file: 'arduino-cli' });

  const sketch = await findSketchFile(request.projectDir);
  requireBoard(request, sketch);
  const question = { file, args: queryArgs(request, sketch), cwd: request.projectDir };
  const answer = await ask(question, context);
  const properties = answer.ok ? parseProperties(answer.stdout) : {};
  const platform = platformOfFqbn(properties['build.fqbn'] ?? request.fqbn ?? sketch.fqbn?.value);
  return {
    tool: 'arduino-cli',
    kind: 'firmware',
    run: own ?? { command: ['arduino-cli', ...compileArgs(request, sketch)], file },
    ...(platform === undefined ? {} : { platform }),
    expected: named ?? imageOf(properties, { ...answer, projectDir: request.projectDir }),
  };
}

type NamedPort = Pick<SketchFile, 'namesPort' | 'port'>;

/** Pure: the arguments of the build. */
export function compileArgs(request: BuildRequest, sketch: NamedPort): string[] {
  const { fqbn, profile, args, projectDir } = request;
  return [
    'compile',
    ...(fqbn === undefined ? [] : ['--fqbn', fqbn]),
    ...(profile === undefined ? [] : ['--profile', profile]),
    ...(sketch.namesPort && !args.some(isPortFlag) ? portArgs(sketch) : []),
    ...args,
    projectDir,
  ];
}

/** Pure: the same, only asking. Nothing is compiled or deleted by it; with `--upload` it would upload. */
export function queryArgs(request: BuildRequest, sketch: NamedPort): string[] {
  const args = request.args.filter((arg) => arg !== '-u' && arg !== '--upload');
  const [compile = 'compile', ...rest] = compileArgs({ ...request, args }, sketch);
  return [compile, '--show-properties=expanded', ...rest];
}

/**
 * A `default_port` makes every compile look for that port, for a second; and with `default_protocol: network` the compile
 * fails when it is not found (seen, 1.0.4). An address given as a flag is looked for as long as we say, and not
 * finding it is no failure; a compile needs no port.
 */
function portArgs({ port }: NamedPort): string[] {
  return ['--port', port?.value ?? 'none', '--discovery-timeout', '1ms'];
}

function isPortFlag(arg: string): boolean {
  return /^(-p|--port(=.*)?)$/.test(arg);
}

/** Pure: `vendor:architecture:board`, of which the middle part is the family, whoever the vendor is. */
export function platformOfFqbn(fqbn: string | undefined): Platform | undefined {
  const architecture = fqbn?.split(':')[1];
  return architecture === 'esp8266' || architecture === 'esp32' || architecture === 'rp2040'
    ? architecture
    : undefined;
}

/** Pure: `key=value` lines. */
export function parseProperties(text: string): Record<string, string> {
  const lines = text.split(/\r?\n/).filter((line) => line.includes('='));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}

function imageOf(
  properties: Record<string, string>,
  { projectDir, stderr }: { readonly projectDir: string; readonly stderr: string },
): ExpectedImage {
  const { 'build.path': path, 'build.project_name': name } = properties;
  if (path === undefined || name === undefined) return { type: 'unknown', reason: plainText(stderr) };
  const folder = resolve(projectDir, path);
  return {
    type: 'file',
    path: join(folder, `${name}.bin`),
    partitionsPath: join(folder, `${name}.partitions.bin`),
  };
}

function requireBoard({ fqbn, profile, args, projectDir }: BuildRequest, sketch: SketchFile): void {
  const byFlag = args.some((arg) => /^(-b|-m|--fqbn(=.*)?|--profile(=.*)?)$/.test(arg));
  if (byFlag || [fqbn, profile, sketch.fqbn, sketch.profile].some((value) => value !== undefined)) return;
  throw new OtaError('CONFIG_INVALID', `Nothing says which board the sketch in ${projectDir} is for.`, {
    hint: 'Set `build.fqbn` in .otarc (for example `esp8266:esp8266:d1_mini`), or `default_fqbn` in sketch.yaml.',
    details: { projectDir, key: 'build.fqbn' },
  });
}

/** arduino-cli makes no file-system images: it is the user's command that does, or one that lies there already. */
function planFilesystem(request: BuildRequest): BuildPlan {
  const expected = namedImage(request);
  if (expected === undefined) {
    throw new OtaError('CONFIG_INVALID', 'arduino-cli builds no file-system image, and none is named.', {
      hint: 'Set `build.filesystemImage` in .otarc to the image that mklittlefs (or another tool) has made.',
      details: { key: 'build.filesystemImage' },
    });
  }
  const run = ownCommand(request.command);
  return { tool: 'arduino-cli', kind: 'filesystem', ...(run === undefined ? {} : { run }), expected };
}
