/** The devices of `.otarc`, also after it was edited. A configuration that is broken leaves those of before. */

import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { saidText } from '../../config/environment.ts';
import { loadConfig } from '../../config/index.ts';
import { findConfigFile } from '../../config/places.ts';
import type { Config, Flags } from '../../config/types.ts';
import { messageOf } from '../../model/errors.ts';
import { type Platform, platforms } from '../../model/types.ts';
import { findHost } from '../find-host.ts';
import type { ConfiguredPort } from './ports.ts';

export interface FollowConfigOptions {
  /** `cwd` absolute. */
  readonly flags: Flags;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  readonly onProblem: (message: string) => void;
}

export interface KnownDevices {
  readonly devices: readonly ConfiguredPort[];
  readonly interfaces: readonly string[];
  /** Of the board that is built for. */
  readonly platform: Platform;
}

export interface ConfigFollower {
  readonly known: KnownDevices;
  /** Reads it again where a file has changed; resolves to whether it was read. Costs a few `stat`s where not. */
  refresh(): Promise<boolean>;
}

export function followConfig(options: FollowConfigOptions): ConfigFollower {
  const { flags, signal, onProblem } = options;
  let files: readonly string[] = [];
  let state: string | undefined;
  let known: KnownDevices = {
    devices: [],
    interfaces: flags.interfaces ?? [],
    platform: 'esp8266',
  };
  let running = Promise.resolve(false);

  const read = async () => {
    const now = stateOf(options, files);
    if (now === state) return false;
    try {
      const { config, warnings } = await loadConfig({ command: 'discovery', ...options, findHost });
      for (const warning of warnings) onProblem(warning);
      known = knownOf(config);
      files = config.files;
    } catch (error) {
      if (signal.aborted) return false;
      onProblem(`Going on without the configuration. ${messageOf(error)}`);
    }
    state = stateOf(options, files);
    return true;
  };
  return {
    get known() {
      return known;
    },
    refresh: () => {
      running = running.then(read, read);
      return running;
    },
  };
}

function knownOf({ devices, adHoc, build }: Config): KnownDevices {
  const platform = platforms.find((each) => build.fqbn?.split(':')[1] === each);
  return {
    devices: devices.map(({ credentialSource, ...device }) => ({
      ...device,
      hasPassword: credentialSource.type !== 'none',
    })),
    interfaces: adHoc.device.interfaces,
    platform: platform ?? 'esp8266',
  };
}

/** Equal as long as no file that matters has changed, come or gone. */
function stateOf({ flags, env }: FollowConfigOptions, files: readonly string[]): string {
  const folder = flags.cwd ?? process.cwd();
  const named = saidText('config', { flags, env });
  const found = named === undefined ? foundIn(folder, env) : resolve(folder, named);
  return JSON.stringify([found, ...files].map(stampOf));
}

function foundIn(folder: string, env: NodeJS.ProcessEnv): string {
  try {
    return findConfigFile(folder, env)?.file ?? '';
  } catch (error) {
    return messageOf(error);
  }
}

function stampOf(file: string): readonly unknown[] {
  try {
    const stat = statSync(file, { throwIfNoEntry: false });
    return [file, stat?.mtimeMs, stat?.size];
  } catch (error) {
    return [file, messageOf(error)];
  }
}
