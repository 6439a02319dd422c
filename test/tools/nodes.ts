import { join } from 'node:path';
import { install, isStamped, makeStamped, type Part } from './part.ts';

/** The smallest that a user may have, and the newest of each later line. */
export const nodeVersions = ['20.19.0', '22.23.3', '24.21.0', '26.10.0'] as const;
/** The packages hold the program itself, and run no script. */
const systemName = process.platform === 'win32' ? 'win' : process.platform;
const packageName = `node-${systemName}-${process.arch}`;

/** Other versions of Node, for the test that runs the packed command with each. */
export const nodes: Part = {
  async provide(toolsDir) {
    if (hasNodes(toolsDir)) return;
    const folder = nodesFolder(toolsDir);
    await makeStamped(folder, stamp, async () => {
      for (const version of nodeVersions) {
        const options = ['--prefix', join(folder, version), '--no-save', '--no-audit', '--no-fund'] as const;
        await install(`Node ${version}`, ['npm', 'install', ...options, `${packageName}@${version}`]);
      }
    });
  },
};

const stamp = nodeVersions.join(' ');

export function hasNodes(toolsDir: string): boolean {
  return isStamped(nodesFolder(toolsDir), stamp);
}

export function nodePath(toolsDir: string, version: string): string {
  return join(nodesFolder(toolsDir), version, 'node_modules', packageName, 'bin', 'node');
}

function nodesFolder(toolsDir: string): string {
  return join(toolsDir, 'nodes');
}
