import { install, onPath, type Part } from './part.ts';

export const compilerName = 'xtensa-lx106-elf-g++';
export const ctagsName = 'arduino-ctags';

/** The compiler and arduino-cli's ctags come from Debian (or Ubuntu), as root: CI's containers are so. */
export const compiler: Part = {
  async provide() {
    if (onPath(compilerName) !== '' && onPath(ctagsName) !== '') return;
    const mayInstall = onPath('apt-get') !== '' && process.getuid?.() === 0;
    if (!mayInstall) {
      throw new Error(`Not found: ${compilerName} and ${ctagsName}. As root: ${cure}`);
    }
    const env = { DEBIAN_FRONTEND: 'noninteractive' };
    const lock = ['-o', 'DPkg::Lock::Timeout=300'];
    await install('apt-get update', ['apt-get', 'update', '-q', ...lock], { env });
    const packages = ['gcc-xtensa-lx106', 'arduino-ctags'];
    const command = [
      'apt-get',
      'install',
      '-y',
      '-q',
      '--no-install-recommends',
      ...lock,
      ...packages,
    ] as const;
    await install(`apt-get install ${packages.join(' ')}`, command, { env });
  },
};

const cure = 'apt-get install gcc-xtensa-lx106 arduino-ctags';
