import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { install, isStamped, makeStamped, onPath, type Part } from './part.ts';

const requirements = ['platformio==6.2.0', 'esptool==5.6.0', 'littlefs-python==0.19.0'];
const versions = requirements.join(' ');

/** PlatformIO, esptool and littlefs in a venv, and beside it PlatformIO's packages folder with the SCons that it asks for. */
export const python: Part = {
  async provide(toolsDir) {
    if (hasPython(toolsDir)) return;
    if (onPath('python3') === '')
      throw new Error('Python 3 was not found: install it, with its venv module.');
    const folder = pythonFolder(toolsDir);
    await makeStamped(folder, versions, async () => {
      const interpreter = join(folder, 'venv', 'bin', 'python');
      await install('a Python venv', [onPath('python3'), '-m', 'venv', join(folder, 'venv')]);
      await install(versions, [interpreter, '-m', 'pip', 'install', '-q', ...requirements]);
      const script = join(import.meta.dirname, 'install_scons.py');
      await install('SCons', [interpreter, script, join(folder, 'packages', 'tool-scons')]);
    });
  },
};

export function hasPython(toolsDir: string): boolean {
  const folder = pythonFolder(toolsDir);
  // `python` is a link to the machine's own: after an upgrade of Python the venv may be dead
  return isStamped(folder, versions) && existsSync(join(folder, 'venv', 'bin', 'python'));
}

export function pythonFolder(toolsDir: string): string {
  return join(toolsDir, 'python');
}
