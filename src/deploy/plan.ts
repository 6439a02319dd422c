/**
 * From configuration and selection to what is to be done: which images, and which device gets which. Pure; `run.ts`
 * does it, `--dry-run` stops it before the first invitation.
 */

import { namedTool, refuseEnvironment } from '../builders/named-tool.ts';
import type { BuildRequest } from '../builders/types.ts';
import type { Config, DeviceConfig } from '../config/types.ts';
import type { ImageKind, Platform } from '../model/types.ts';
import { withoutUndefined } from '../model/without-undefined.ts';

/** An image, however many devices take it: made or read once. */
export interface PlannedImage {
  readonly key: string;
  /** Absent: a file that was named is pushed as what it is. */
  readonly kind?: ImageKind;
  /** `build` runs the tool, `last-build` takes what it left, `file` takes what was named. */
  readonly source: 'build' | 'last-build' | 'file';
  readonly request: BuildRequest;
  /** Absolute; only of `file`. */
  readonly path?: string;
  /** What all devices that take it are said to be; decides how marks are read that an image does not carry itself. */
  readonly expectedPlatform?: Platform;
}

export interface Job {
  readonly device: DeviceConfig;
  readonly imageKey: string;
}

export interface Plan {
  readonly images: readonly PlannedImage[];
  /** The jobs of a wave start in their order, as the executor has places; a wave starts when the one before has ended. */
  readonly waves: readonly (readonly Job[])[];
  /** Absolute folder of a shared history. */
  readonly historyDir?: string;
  /** `false`: a device that runs its image already gets it again. */
  readonly skipUnchanged?: boolean;
}

export interface PlanRequest {
  readonly config: Pick<Config, 'build' | 'kind'> &
    Partial<Pick<Config, 'devices' | 'history' | 'push' | 'secretVariables'>>;
  readonly devices: readonly DeviceConfig[];
  readonly source: PlannedImage['source'];
  /** Of the command line: above what a device's own `environment` says. */
  readonly environment?: string | undefined;
  /** After `--`: run in place of the configured build. */
  readonly command?: readonly string[] | undefined;
  /** Absolute path of `--file`. */
  readonly file?: string | undefined;
  /** As what the file is pushed. Default: as what it is, unless the file system was asked for. */
  readonly fileKind?: ImageKind;
}

/** @throws {OtaError} `USAGE` for an environment where another tool than PlatformIO builds */
export function makePlan(wanted: PlanRequest): Plan {
  const { devices, config, source } = wanted;
  if (source !== 'file')
    refuseEnvironment(namedTool(buildRequestOf(wanted)), wanted.environment ?? config.build.environment);
  const jobs = devices.map((device) => ({ device, imageKey: keyOf(wanted, device) }));
  const keys = [...new Set(jobs.map((job) => job.imageKey))];
  const images = keys.map((key): PlannedImage => {
    const takers = jobs.filter((job) => job.imageKey === key).map((job) => job.device);
    const platforms = new Set(takers.map((device) => device.platform));
    const [platform] = platforms;
    return withoutUndefined({
      key,
      kind: source === 'file' ? fileKindOf(wanted) : config.kind,
      source,
      request: buildRequestOf(wanted, key),
      path: source === 'file' ? wanted.file : undefined,
      expectedPlatform: platforms.size === 1 ? platform : undefined,
    });
  });
  const historyDir = config.history?.dir;
  const skipUnchanged = config.push?.skipUnchanged;
  return withoutUndefined({ images, waves: jobs.length === 0 ? [] : [jobs], historyDir, skipUnchanged });
}

function fileKindOf({ config, fileKind }: PlanRequest): ImageKind | undefined {
  return fileKind ?? (config.kind === 'filesystem' ? 'filesystem' : undefined);
}

/** What is to be built; `''` as the environment leaves it to the build tool. */
export function buildRequestOf(
  { config, command }: Pick<PlanRequest, 'config' | 'command'>,
  environment = '',
): BuildRequest {
  const { build, kind, devices = [] } = config;
  const used = devices.flatMap(({ credentialSource }) =>
    credentialSource.type === 'env' ? credentialSource.variable : [],
  );
  const variables = [...new Set([...used, ...(config.secretVariables ?? [])])];
  return withoutUndefined({
    projectDir: build.sketch,
    kind,
    args: build.args,
    tool: build.tool,
    environment: environment === '' ? undefined : environment,
    fqbn: build.fqbn,
    profile: build.profile,
    command: command ?? build.command,
    image: build.image,
    filesystemImage: build.filesystemImage,
    secretVariables: variables.length === 0 ? undefined : variables,
  });
}

/**
 * Devices that take the same environment share one build; all do where the tool has no environments. `''` is the build
 * tool's own choice.
 */
function keyOf(wanted: PlanRequest, device: DeviceConfig): string {
  const { source, environment, config } = wanted;
  const tool = namedTool(buildRequestOf(wanted)); // undefined: the folder decides, which the build stage reads
  if (source === 'file' || (tool !== undefined && tool !== 'pio')) return '';
  return environment ?? device.environment ?? config.build.environment ?? '';
}
