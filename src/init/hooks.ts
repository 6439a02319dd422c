/** The hooks that init knows, and which of them fit a folder. */

import { join } from 'node:path';
import type { CommentStyle } from './stamp.ts';

export const hookNames = ['pio', 'upload', 'arduino', 'vscode', 'make', 'npm', 'github'] as const;
export type HookName = (typeof hookNames)[number];

export const hookLabels: Readonly<Record<HookName, string>> = {
  pio: 'targets for pio run -t: ota, otafs, otawatch',
  upload: 'the Upload button and pio run -t upload',
  arduino: 'Upload of arduino-cli and the Arduino IDE, and its list of ports',
  vscode: 'tasks of VS Code',
  make: 'a Makefile',
  npm: 'npm scripts',
  github: 'a workflow of GitHub Actions',
};

/** A template that becomes a file of the project as it is. */
export interface OwnFile {
  readonly hook: HookName;
  readonly template: string;
  /** Relative to the project. */
  readonly path: string;
  readonly style: CommentStyle;
  /** What to do where somebody else's file of that name is there. */
  readonly instead: string;
}

export const otarcPy: OwnFile = {
  hook: 'pio',
  template: 'platformio/otarc.py',
  path: 'otarc.py',
  style: '#',
  instead: 'rename or remove it, to make room for',
};

export const ownFiles: readonly OwnFile[] = [
  {
    hook: 'vscode',
    template: 'vscode/tasks.json',
    path: join('.vscode', 'tasks.json'),
    style: '//',
    instead: 'copy the tasks that you want from',
  },
  {
    hook: 'make',
    template: 'make/Makefile',
    path: 'Makefile',
    style: '#',
    instead: 'copy the rules that you want from',
  },
  {
    hook: 'npm',
    template: 'npm/package.json',
    path: 'package.json',
    style: 'json',
    instead: 'run npm pkg set scripts.deploy="otarc deploy" scripts.watch="otarc watch", as in',
  },
  {
    hook: 'github',
    template: 'github/deploy.yml',
    path: join('.github', 'workflows', 'deploy-over-the-air.yml'),
    style: '#',
    instead: 'copy the steps that you want from',
  },
];

/**
 * What is there by itself: nothing that the folder's tool does not need. Upload goes by cable until there is a device that it
 * could reach otherwise.
 */
export function defaultHooks(
  tool: 'pio' | 'arduino-cli' | undefined,
  { hasDevice }: { hasDevice: boolean },
): readonly HookName[] {
  switch (tool) {
    case 'pio':
      return hasDevice ? ['pio', 'upload'] : ['pio'];
    case 'arduino-cli':
      return ['arduino'];
    case undefined:
      return [];
    default:
      return tool satisfies never;
  }
}

/** Those that make sense for a folder. */
export function fittingHooks({ isPio, isSketch }: { isPio: boolean; isSketch: boolean }): HookName[] {
  return hookNames.filter((name) => {
    if (name === 'pio' || name === 'upload') return isPio;
    return name !== 'arduino' || isSketch;
  });
}
