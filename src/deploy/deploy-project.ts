import { resolve } from 'node:path';
import { doubtOf, isForNobody, loadConfig, selectDevices } from '../config/index.ts';
import { saidText } from '../config/environment.ts';
import { mayPushOnBuild } from '../config/places.ts';
import type { Config, DeviceConfig, Flags } from '../config/types.ts';
import type { Engine } from '../engines/engine.ts';
import type { ErrorCode } from '../model/errors.ts';
import { findHost } from '../network/find-host.ts';
import type { DeployEvent } from '../model/events.ts';
import { buildRequestOf, makePlan, type Plan } from './plan.ts';
import type { VerifyWish } from './verify/proving.ts';
import { withoutUndefined } from '../model/without-undefined.ts';
import { runPlan, type RunContext, type RunResult } from './run.ts';

export interface DeployProjectOptions {
  /** The project's folder. Default: the process's. */
  readonly cwd?: string;
  /** As on the command line; none: the configured default. */
  readonly targets?: readonly string[];
  readonly all?: boolean;
  /** `build` (default) runs the project's tool; `last-build` takes what it left; `file` takes `file`. */
  readonly source?: 'build' | 'last-build' | 'file';
  readonly file?: string | undefined;
  /** A build tool calls: nothing is done unless the configuration of this very folder has `hook.pushOnBuild`. */
  readonly hook?: boolean;
  /** Run in place of the configured build. */
  readonly command?: readonly string[] | undefined;
  readonly flags?: Flags;
  /** Checks that may fail, or all of them. */
  readonly allowed?: ReadonlySet<ErrorCode> | 'all';
  readonly dryRun?: boolean;
  readonly timeoutMs?: number | undefined;
  /** Whether and how long to wait for proof that the new image runs, in place of what is configured. */
  readonly verify?: VerifyWish | undefined;
  /** Waits so long for a device that sleeps to announce itself, and pushes at once. */
  readonly whenSeenMs?: number | undefined;
  /** In place of each device's own. */
  readonly engine?: Engine;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: DeployEvent) => void;
  /** Default: the process's. Where variables and `--password-file -` are read, and where build tools print. */
  readonly env?: NodeJS.ProcessEnv;
  readonly stdin?: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly output?: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

/** What a project's configuration comes to: what is to be done, and what that was made of. */
export interface PlannedProject {
  readonly config: Config;
  readonly devices: readonly DeviceConfig[];
  readonly plan: Plan;
  /** Sentences for a person. */
  readonly warnings: readonly string[];
}

/**
 * Config → build → image → locate → push → verify, for every device that is meant. Does not throw for what a user can
 * meet: that is in the result, and was told as a `failed` event.
 */
export function deployProject(options: DeployProjectOptions = {}): Promise<RunResult> {
  const context = runContextOf(options);
  const plan = async (): Promise<Plan> => {
    const named = saidText('config', { flags: options.flags, env: context.env });
    if (options.hook === true && !mayPushOnBuild(folderOf(options), named)) return emptyPlan;
    const planned = await planProject(options);
    for (const message of planned.warnings) {
      context.onEvent({ type: 'log', level: 'warn', message, at: new Date().toISOString() });
    }
    return planned.plan;
  };
  return runPlan(plan, context);
}

/** Loads the configuration and plans one run of it. Throws what `loadConfig`, `selectDevices` and `makePlan` throw. */
export async function planProject(options: DeployProjectOptions): Promise<PlannedProject> {
  const { source = 'build', targets = [], all = false, command } = options;
  const { env, signal } = runContextOf(options);
  const cwd = folderOf(options);
  const flags: Flags = { ...options.flags, cwd };
  const said = saidText('environment', { flags, env });
  const imageOf = source === 'file' ? said : undefined;
  const isUnwanted = ({ hook }: Config): boolean =>
    options.hook === true && !(hook.pushOnBuild && hook.folder === cwd);
  const { config, warnings } = await loadConfig({
    // `deploy`, `watch` and `doctor` have the same flags of a configuration.
    command: 'push',
    flags,
    env,
    signal,
    findHost,
    project: {
      wanted: { targets, all, isFile: source === 'file', imageOf },
      ask: async (draft, { environments }) => {
        if (isUnwanted(draft)) return undefined;
        const { projectImages, projectUploads } = await import('../builders/index.ts');
        const request = buildRequestOf({ config: draft, command }, draft.build.environment);
        return (environments ? projectImages : projectUploads)(request, { env, signal });
      },
    },
  });
  if (isUnwanted(config)) return unneeded(config);
  const isDecided = targets.length > 0 || all || source === 'file';
  const environment =
    said ??
    config.build.environment ??
    (isDecided ? undefined : await environmentOfTool({ config, command, env, signal }));
  const selection = withoutUndefined({
    targets,
    all,
    builtEnvironment: environment,
    imageOf,
  });
  // A hook fires for each environment of a project, also for one whose image nobody takes.
  if (options.hook === true && isForNobody(config, selection)) {
    const doubt = doubtOf(config, selection);
    const said = doubt === undefined ? [] : [`Nothing is pushed. ${doubt.reason} ${doubt.cure}`];
    return { ...unneeded(config), warnings: said };
  }
  const devices = selectDevices(config, selection);
  const plan = makePlan({
    config,
    devices,
    source,
    environment: said,
    command,
    file: options.file === undefined ? undefined : resolve(cwd, options.file),
  });
  return { config, devices, plan, warnings };
}

const unneeded = (config: Config): PlannedProject => ({
  config,
  devices: [],
  plan: emptyPlan,
  warnings: [],
});
const emptyPlan: Plan = { images: [], waves: [] };
const folderOf = ({ cwd, flags }: DeployProjectOptions): string => resolve(cwd ?? flags?.cwd ?? '.');

const hookReturnMs = 2_000;

/** What a run is given of the options, defaults applied. */
export function runContextOf(options: DeployProjectOptions): RunContext {
  return {
    onEvent: options.onEvent ?? (() => {}),
    signal: options.signal ?? new AbortController().signal,
    engine: options.engine,
    allowed: options.allowed ?? new Set(),
    dryRun: options.dryRun === true,
    env: options.env ?? process.env,
    get stdin() {
      return options.stdin ?? process.stdin;
    },
    output: options.output ?? process.stderr,
    timeoutMs: options.timeoutMs,
    verify: options.verify,
    whenSeenMs: options.whenSeenMs,
    // A build waits for its hook.
    returnMs: options.hook === true ? hookReturnMs : undefined,
  };
}

interface Undecided {
  readonly config: Config;
  readonly command: readonly string[] | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/** What the build tool builds by itself: asked only where it decides which of the devices are meant. */
async function environmentOfTool({ config, command, env, signal }: Undecided): Promise<string | undefined> {
  const { devices, defaultDevice, project } = config;
  if (project !== undefined) return project.environment;
  const takers = devices.filter(({ environment }) => environment !== undefined);
  if (defaultDevice !== undefined || devices.length < 2 || takers.length === 0) return undefined;
  const { builtEnvironment } = await import('../builders/index.ts');
  return builtEnvironment(buildRequestOf({ config, command }), { env, signal });
}
