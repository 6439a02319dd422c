import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { arduinoCliFolder, hasArduinoCli } from './arduino-cli.ts';
import { avahiName, compilerName, ctagsName, firewallNames, hostCompilerName } from './compiler.ts';
import { hasNodes, nodePath, nodeVersions } from './nodes.ts';
import { onPath } from './part.ts';
import { hasPython, pythonFolder } from './python.ts';
import type { ToolName, ToolPaths, ToolReport } from './report.ts';

/** Looks, runs nothing: first in the cache, then for what the machine has. */
export function findTools(toolsDir: string): ToolPaths & { readonly littlefs: boolean } {
  const compilerPath = onPath(compilerName);
  const common = {
    arduinoCli: hasArduinoCli(toolsDir)
      ? join(arduinoCliFolder(toolsDir), 'arduino-cli')
      : onPath('arduino-cli'),
    ctags: onPath(ctagsName),
    avahi: onPath(avahiName),
    firewalls: firewallNames.map(onPath).every((path) => path !== '')
      ? dirname(onPath(firewallNames[0]))
      : '',
    compilerDir: compilerPath === '' ? '' : dirname(compilerPath),
    // Elsewhere the linker takes no address for the end of a flash.
    hostCompiler: process.platform === 'linux' ? onPath(hostCompilerName) : '',
    nodes: hasNodes(toolsDir)
      ? Object.fromEntries(nodeVersions.map((version) => [version, nodePath(toolsDir, version)]))
      : {},
  };
  const folder = pythonFolder(toolsDir);
  const bin = join(folder, 'venv', 'bin');
  if (hasPython(toolsDir)) {
    return {
      ...common,
      pio: join(bin, 'pio'),
      pioPackages: join(folder, 'packages'),
      esptool: join(bin, 'esptool'),
      python: join(bin, 'python'),
      littlefs: true,
    };
  }
  return { ...common, ...ownPython(), littlefs: false };
}

function ownPython(): Pick<ToolPaths, 'pio' | 'pioPackages' | 'esptool' | 'python'> {
  const core = process.env['PLATFORMIO_CORE_DIR'] ?? join(homedir(), '.platformio');
  const packages = join(core, 'packages');
  const hasScons = existsSync(join(packages, 'tool-scons', '.piopm'));
  return {
    pio: onPath('pio'),
    pioPackages: hasScons ? packages : '',
    esptool: onPath('esptool'),
    python: onPath('python3'),
  };
}

/** What can be used with these, and what each of the others lacks. Pure. */
export function report({ littlefs, ...paths }: ToolPaths & { readonly littlefs: boolean }): ToolReport {
  const lacking: Record<ToolName, (string | false)[]> = {
    pio: [
      paths.pio === '' && 'PlatformIO',
      paths.pioPackages === '' && "PlatformIO's SCons",
      paths.compilerDir === '' && compilerName,
    ],
    'arduino-cli': [
      paths.arduinoCli === '' && 'arduino-cli (or Go to build it)',
      paths.compilerDir === '' && compilerName,
      paths.ctags === '' && ctagsName,
      paths.python === '' && 'Python 3',
    ],
    littlefs: [paths.pio === '' && 'PlatformIO', !littlefs && 'littlefs-python'],
    esptool: [paths.esptool === '' && 'esptool'],
    avahi: [paths.avahi === '' && avahiName],
    firewalls: [paths.firewalls === '' && firewallNames.join(' or ')],
    nodes: [Object.keys(paths.nodes).length === 0 && 'Node in other versions'],
    compilers: [
      paths.compilerDir === '' && compilerName,
      paths.hostCompiler === '' && `${hostCompilerName} on Linux`,
    ],
  };
  const missing: Partial<Record<ToolName, string>> = {};
  for (const [name, parts] of Object.entries(lacking) as [ToolName, (string | false)[]][]) {
    const names = parts.filter((part) => part !== false);
    if (names.length > 0) missing[name] = `${name}: ${names.join(', ')} not found; ${cure}.`;
  }
  return { paths, missing };
}

const cure =
  'OTARC_SETUP_TOOLS=1 npm test installs it (Python 3, Go, on Debian as root also the compilers, avahi and the firewalls)';
