/** The templates as their real tools run them: in a project, with otarc where a user has it. */

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, symlink } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { execa } from 'execa';
import { packed } from './packed.ts';

const templates = join(import.meta.dirname, '..', '..', 'templates');

export function templatePath(name: string): string {
  return join(templates, ...name.split('/'));
}

/** Copies a template, a file or a folder, to `to`. */
export async function useTemplate(name: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await cp(templatePath(name), to, { recursive: true });
}

/** Puts the packed otarc into `<dir>/node_modules`, as `npm install --save-dev otarc` does. */
export async function installInto(dir: string): Promise<void> {
  const { dir: installed } = await packed();
  await symlink(join(installed, 'node_modules'), join(dir, 'node_modules'), 'dir');
}

/** Node, all that `env` has, and no otarc that this machine may have. */
export function withoutOtarc(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const path = [dirname(process.execPath), ...(env['PATH'] ?? '').split(delimiter)];
  const clean = path.filter((dir) => !existsSync(join(dir, 'otarc')));
  return { ...env, PATH: clean.join(delimiter) };
}

/** The same with the packed otarc on PATH, as `npm install --global otarc` does. */
export async function withOtarc(env: NodeJS.ProcessEnv): Promise<NodeJS.ProcessEnv> {
  const { bin } = await packed();
  const clean = withoutOtarc(env);
  return { ...clean, PATH: [dirname(bin), clean['PATH']].join(delimiter) };
}

/** A tool that hangs ends before the test does, and shows what it had said. */
const limitMs = 25_000;

interface ToolOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly input?: string;
  /** In a process group of its own, as in a terminal: Ctrl-C is a signal to the group. */
  readonly detached?: boolean;
}

export interface ToolRun {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** Both, in the order in which they came. */
  readonly all: string;
}

/** Runs a tool as a script does: its output goes into pipes, and there is no terminal. */
export async function runTool(file: string, args: readonly string[], options: ToolOptions): Promise<ToolRun> {
  const { exitCode, stdout, stderr, all } = await startTool(file, args, options);
  return { exitCode, stdout, stderr, all };
}

/** For a test that does something to it while it runs. */
export function startTool(file: string, args: readonly string[], options: ToolOptions) {
  const { cwd, env, input = '', detached = false } = options;
  return execa(file, args, {
    cwd,
    env,
    extendEnv: false,
    input,
    detached,
    all: true,
    reject: false,
    timeout: limitMs,
    stripFinalNewline: false,
  });
}

/** Resolves to the line that matches, as soon as the tool has said it. */
export async function saidBy(tool: ReturnType<typeof startTool>, pattern: RegExp): Promise<string> {
  let text = '';
  for await (const chunk of tool.all) {
    text += String(chunk);
    const [line] = pattern.exec(text) ?? [];
    if (line !== undefined) return line;
  }
  throw new Error(`It ended without saying ${pattern}: ${text}`);
}

/** Images as something that compares fast, and reads well when it differs. */
export function digestOf(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? 'nothing' : createHash('md5').update(bytes).digest('hex');
}

/** How often `part` stands in `text`. */
export function countOf(text: string, part: string | RegExp): number {
  return text.split(part).length - 1;
}
