import { install, onPath, type Part } from './part.ts';

export const compilerName = 'xtensa-lx106-elf-g++';
/** For what a header of the templates computes, run on this computer. */
export const hostCompilerName = 'g++';
export const ctagsName = 'arduino-ctags';
export const avahiName = 'avahi-daemon';
export const firewallNames = ['nft', 'iptables'] as const;

/**
 * The compilers, arduino-cli's ctags, a responder for mDNS and the firewalls come from Debian (or Ubuntu), as root: CI's
 * containers are so.
 */
export const compiler: Part = {
  async provide() {
    const missing = [compilerName, hostCompilerName, ctagsName, avahiName, ...firewallNames].filter(
      (name) => onPath(name) === '',
    );
    if (missing.length === 0) return;
    const mayInstall = onPath('apt-get') !== '' && process.getuid?.() === 0;
    if (!mayInstall) {
      throw new Error(`Not found: ${missing.join(', ')}. As root: apt-get install ${packages.join(' ')}`);
    }
    const env = { DEBIAN_FRONTEND: 'noninteractive' };
    const lock = ['-o', 'DPkg::Lock::Timeout=300'];
    await install('apt-get update', ['apt-get', 'update', '-q', ...lock], { env });
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

const packages = ['gcc-xtensa-lx106', 'g++', 'arduino-ctags', 'avahi-daemon', 'nftables', 'iptables'];
