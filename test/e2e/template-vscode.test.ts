import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { quickDevice, writeOtarc } from '../support/otarc.ts';
import {
  arduinoFqbn,
  makeArduinoSketch,
  makePioProject,
  setVersion,
  type Project,
} from '../support/projects.ts';
import { installInto, runTool, startTool, templatePath, withoutOtarc } from '../support/templates.ts';
import { tempDir } from '../support/temp-dir.ts';
import { requireTools } from '../support/tools.ts';

interface Matcher {
  readonly pattern: {
    readonly regexp: string;
    readonly file: number;
    readonly line: number;
    readonly message: number;
  };
  readonly background?: { readonly beginsPattern: string; readonly endsPattern: string };
}

interface Task {
  readonly label: string;
  readonly type: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly problemMatcher: Matcher | readonly [];
}

interface Tasks {
  readonly version: string;
  readonly tasks: readonly Task[];
  readonly options: { readonly env: Readonly<Record<string, string>> };
}

/** As VS Code reads it: JSON with comments. */
async function readTasks(): Promise<Tasks> {
  const path = templatePath('vscode/tasks.json');
  const { config, error } = ts.parseConfigFileTextToJson(path, await readFile(path, 'utf8'));
  expect(error).toBeUndefined();
  return config as Tasks;
}

const broken = '#include <Arduino.h>\nvoid setup() { nonsense(); }\nvoid loop() {}\n';

async function pioProject() {
  const project = await makePioProject(join(await tempDir(), 'mein gärtchen'));
  const device = await quickDevice();
  await installInto(project.dir);
  await writeOtarc(project.dir, { livingroom: { at: device } });
  return { project, device };
}

/** The environment of a task, as VS Code fills it in. */
function environment({ options }: Tasks, { dir, env }: Project): NodeJS.ProcessEnv {
  const clean = withoutOtarc(env);
  const filled = Object.entries(options.env).map(([name, value]) => [
    name,
    value
      .replaceAll('${workspaceFolder}', dir)
      .replaceAll(/\$\{env:(\w+)\}/g, (_, key: string) => clean[key] ?? ''),
  ]);
  return { ...clean, ...Object.fromEntries(filled) };
}

const named = ({ tasks }: Tasks, label: string): Task => {
  const task = tasks.find((each) => each.label === label);
  if (task === undefined) throw new Error(`There is no task ${label}.`);
  return task;
};

const lineOf = ({ command, args }: Task): string => [command, ...args].join(' ');

/** What the Problems view shows of an output. */
function problemsOf({ problemMatcher }: Task, output: string, { dir }: Project) {
  if (!('pattern' in problemMatcher)) return [];
  const { regexp, file, line, message } = problemMatcher.pattern;
  return output.split('\n').flatMap((text) => {
    const match = new RegExp(regexp).exec(text);
    if (match === null) return [];
    const path = match[file] ?? '';
    const at = isAbsolute(path) ? path : join(dir, path);
    return [{ isThere: existsSync(at), at, line: Number(match[line]), message: match[message] }];
  });
}

describe.skipIf(requireTools('pio', 'arduino-cli', 'littlefs'))('the tasks for VS Code', () => {
  it('are commands that run: build and deploy, push, the file system', async () => {
    const tasks = await readTasks();
    expect(tasks.version).toBe('2.0.0');
    const { project, device } = await pioProject();
    const ends = tasks.tasks.filter((task) => !task.args.includes('watch'));
    expect(ends).toHaveLength(3);
    for (const task of ends) {
      expect(task.type).toBe('shell');
      const env = environment(tasks, project);
      const run = await runTool('sh', ['-c', lineOf(task)], { cwd: project.dir, env });
      expect(run, task.label).toMatchObject({ exitCode: 0 });
    }
    expect(device.updates.map(({ command }) => command).toSorted()).toEqual([0, 0, 100]);
  });

  it('show what the compiler says as problems, at the file and line', async () => {
    const tasks = await readTasks();
    const task = named(tasks, 'otarc: build and deploy');
    const { project } = await pioProject();
    const sketch = await makeArduinoSketch(join(await tempDir(), 'Blink'), {
      sketchYaml: `default_fqbn: ${arduinoFqbn}\n`,
    });
    await installInto(sketch.dir);
    await writeOtarc(sketch.dir, { livingroom: { at: await quickDevice() } });
    for (const one of [project, sketch]) {
      await writeFile(one.source, broken);
      const env = environment(tasks, one);
      const { all } = await runTool('sh', ['-c', lineOf(task)], { cwd: one.dir, env });
      const problems = problemsOf(task, all, one);
      expect(problems.length).toBeGreaterThan(0);
      expect(problems[0]).toEqual({
        isThere: true,
        at: one.source,
        line: 2,
        message: expect.stringContaining("'nonsense' was not declared"),
      });
      expect(problems.filter(({ isThere }) => !isThere)).toEqual([]);
    }
  });

  it('know when the watch is busy, when it is done, and what it found', async () => {
    const tasks = await readTasks();
    const task = named(tasks, 'otarc: watch');
    if (!('pattern' in task.problemMatcher)) throw new Error('It has no matcher.');
    const { beginsPattern = '', endsPattern = '' } = task.problemMatcher.background ?? {};
    const { project, device } = await pioProject();
    const env = environment(tasks, project);
    const watch = startTool('sh', ['-c', `exec ${lineOf(task)}`], { cwd: project.dir, env });

    // From one end of a run to the next: what VS Code takes for this build.
    const runs: string[] = [];
    let text = '';
    for await (const chunk of watch.all) {
      text += String(chunk);
      const lines = text.split('\n').slice(0, -1);
      const end = lines.findIndex((line) => new RegExp(endsPattern).test(line));
      // The result goes another way than the messages; here they may arrive before the build's.
      if (end === -1 || !lines.some((line) => new RegExp(beginsPattern).test(line))) continue;
      runs.push(text);
      text = '';
      if (runs.length === 1) await setVersion(project, '1.0.1');
      if (runs.length === 2) await writeFile(project.source, broken);
      if (runs.length === 3) watch.kill('SIGINT');
    }

    expect((await watch).exitCode).toBe(130);
    expect(runs).toHaveLength(3);
    expect(device.updates).toHaveLength(2);
    expect(runs.map((run) => problemsOf(task, run, project).length)).toEqual([0, 0, 1]);
    expect(problemsOf(task, runs[2] ?? '', project)[0]).toMatchObject({ at: project.source, line: 2 });
  });
});
