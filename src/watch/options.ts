/** What `watchProject` is given, and what it shows and offers. */

import type { DeployProjectOptions } from '../deploy/deploy-project.ts';
import type { Project } from './project.ts';
import type { Phase } from './types.ts';
import type { Browse } from './return.ts';

export interface WatchProjectOptions extends Omit<DeployProjectOptions, 'source' | 'file'> {
  readonly signal: AbortSignal;
  /** False: the image alone is watched, whoever builds it. */
  readonly build: boolean;
  /** End after the first image that was pushed. */
  readonly once: boolean;
  readonly poll: boolean;
  /** Wall-clock time: what was written after it is new. */
  readonly sinceMs: number;
  /** For `once` without a build of its own: how long nothing at all may happen. */
  readonly idleLimitMs?: number | undefined;
  /** Show what the build tool prints as it comes; else only what is wrong with it. */
  readonly showBuild: boolean;
  /** How devices that could not be reached are waited for. Default: the next change tries them again. */
  readonly browse?: Browse | undefined;
  /** Called once, when everything is watched. */
  readonly onStart?: ((controls: Controls) => void) | undefined;
  /** What it watches and where it deploys to: at its start, and each time that the configuration was read again. */
  readonly onProject?: ((project: Pick<Project, 'config' | 'devices'>) => void) | undefined;
  readonly onState?: ((shown: Shown) => void) | undefined;
  /** At the end of a run that has brought something to a device. */
  readonly onDeployed?: ((deployed: Deployed) => void) | undefined;
}

export interface Deployed {
  readonly devices: readonly string[];
  /** Variables that hold passwords of devices, and are nobody else's business. */
  readonly secretVariables: readonly string[];
}

/** What a status line may show. */
export interface Shown {
  readonly phase: Phase;
  readonly isPaused: boolean;
  readonly isQueued: boolean;
  readonly devices: readonly string[];
  /** False: somebody else does. */
  readonly builds: boolean;
  /** How many files have changed that no run has taken up yet. */
  readonly changed: number;
}

/** What a person at the keyboard can do. */
export interface Controls {
  /** Also what the devices have already. */
  redeploy(): void;
  buildOnly(): void;
  setPaused(isPaused: boolean): void;
  /** A push that is on is finished first; called once more, it is broken off. */
  quit(): void;
  /** As SIGINT does: a terminal in raw mode does not send it. */
  interrupt(): void;
  /** All that are configured, and those that are meant. */
  devices(): { readonly all: readonly string[]; readonly chosen: readonly string[] };
  choose(names: readonly string[]): void;
  /** What the last build printed. */
  lastOutput(): string;
}
