import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { VirtualDevice } from '../../src/simulator/index.ts';
import { useLocal } from '../support/arduino-core.ts';
import { quickDevice, writeOtarc } from '../support/otarc.ts';
import { processesOf } from '../support/processes.ts';
import { arduinoFqbn, makeArduinoSketch, makePioProject, type Project } from '../support/projects.ts';
import { startTool, useTemplate, withOtarc } from '../support/templates.ts';
import { tempDir } from '../support/temp-dir.ts';
import { requireTools } from '../support/tools.ts';

type Tool = 'pio' | 'arduino-cli';

/** A project whose hook pushes after a build. */
async function makeProject(tool: Tool): Promise<Project> {
  const dir = await tempDir();
  if (tool === 'pio') {
    const ini = '[env:d1_mini]\nplatform = lx106local\nboard = d1_mini\nextra_scripts = post:otarc.py\n';
    const project = await makePioProject(join(dir, 'p'), { ini });
    await useTemplate('platformio/otarc.py', join(project.dir, 'otarc.py'));
    return project;
  }
  const sketchYaml = `default_fqbn: ${arduinoFqbn}\n`;
  const sketch = await makeArduinoSketch(join(dir, 'Blink'), { sketchYaml });
  await useLocal(sketch, 'b');
  return sketch;
}

/** A build whose hook pushes, caught as soon as the image is on its way. */
async function caught(tool: Tool) {
  const project = await makeProject(tool);
  // Fifteen seconds for the image. A hook whose reader has gone notices when it next has something to say.
  const device = await quickDevice({ flash: { msPerSector: 250 } });
  await writeOtarc(project.dir, { livingroom: { at: device } }, { hook: { pushOnBuild: true } });
  const connected = device.waitFor('connected');
  const ended = device.waitFor('update-ended');
  const [command, ...args] = tool === 'pio' ? ['pio', 'run'] : ['arduino-cli', 'compile'];
  const env = await withOtarc(project.env);
  const build = startTool(command ?? '', args, { cwd: project.dir, env, detached: true });
  await connected;
  return { project, device, build, ended, home: project.env['HOME'] ?? '' };
}

/** Linux: the otarc that a build has started. */
function hookOf(home: string): number {
  const pids = readdirSync('/proc').filter((name) => {
    try {
      const read = (file: string): string[] => readFileSync(`/proc/${name}/${file}`, 'utf8').split('\0');
      return read('environ').includes(`HOME=${home}`) && read('cmdline').includes('--hook');
    } catch {
      return false; // no process, or one that has just ended
    }
  });
  expect(pids).toHaveLength(1);
  return Number(pids[0]);
}

async function expectNothingLeft(device: VirtualDevice, home: string): Promise<void> {
  const patience = { timeout: 10_000, interval: 50 };
  await vi.waitFor(() => expect(processesOf(home)).toEqual([]), patience);
  await vi.waitFor(() => expect(device.state).toBe('idle'), patience);
}

const ends: readonly { tool: Tool; what: string; end: (build: number, home: string) => void }[] = [
  { tool: 'pio', what: 'Ctrl-C', end: (build) => process.kill(-build, 'SIGINT') },
  { tool: 'pio', what: 'the end of pio', end: (build) => process.kill(build, 'SIGKILL') },
  { tool: 'pio', what: 'its own end', end: (_, home) => process.kill(hookOf(home), 'SIGKILL') },
  // arduino-cli keeps its hooks out of its process group: no Ctrl-C reaches them, nor anything that ends arduino-cli.
  { tool: 'arduino-cli', what: 'Ctrl-C', end: (build) => process.kill(-build, 'SIGINT') },
  { tool: 'arduino-cli', what: 'its own end', end: (_, home) => process.kill(hookOf(home), 'SIGKILL') },
];

describe.runIf(process.platform === 'linux')('a push by a hook', () => {
  it.skipIf(requireTools('pio', 'arduino-cli')).each(ends)(
    'of $tool: $what leaves no process, and a device that waits for the next push',
    async ({ tool, end }) => {
      const { device, build, ended, home } = await caught(tool);

      end(build.pid ?? 0, home);

      expect((await build).exitCode).not.toBe(0);
      expect((await ended).update.result).toBe('interrupted');
      await expectNothingLeft(device, home);
      expect(device.running).toBeUndefined();
    },
  );
});
