import { resolve } from 'node:path';
import { loadConfig, selectDevices } from './config/index.ts';
import type { Config, Flags } from './config/types.ts';
import type { Engine } from './engine.ts';
import type { ErrorCode } from './errors.ts';
import { espota } from './espota/index.ts';
import type { DeployEvent } from './events.ts';
import { buildRequestOf, makePlan, type Plan } from './plan.ts';
import { run, type RunResult } from './run.ts';

export interface DeployProjectOptions {
  /** The project's folder. Default: the process's. */
  readonly cwd?: string;
  /** As on the command line; none: the configured default. */
  readonly targets?: readonly string[];
  readonly all?: boolean;
  /** `build` (default) runs the project's tool; `last-build` takes what it left; `file` takes `file`. */
  readonly source?: 'build' | 'last-build' | 'file';
  readonly file?: string | undefined;
  /** A build tool called: nothing is done unless the configuration of this very folder asks for a push on build. */
  readonly hook?: boolean;
  /** Run in place of the configured build. */
  readonly command?: readonly string[] | undefined;
  readonly flags?: Flags;
  /** Checks that may fail, or all of them. */
  readonly allowed?: ReadonlySet<ErrorCode> | 'all';
  readonly dryRun?: boolean;
  readonly timeoutMs?: number | undefined;
  readonly engine?: Engine;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: DeployEvent) => void;
  /** Default: the process's. Where variables and `--password-file -` are read, and where build tools print. */
  readonly env?: NodeJS.ProcessEnv;
  readonly stdin?: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly output?: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

/**
 * Config → build → image → locate → push → verify, for every device that is meant. Does not throw for what a user can
 * meet: that is in the result, and was told as a `failed` event.
 */
export function deployProject(options: DeployProjectOptions = {}): Promise<RunResult> {
  const { source = 'build', env = process.env, onEvent = () => {} } = options;
  const signal = options.signal ?? new AbortController().signal;
  const cwd = resolve(options.cwd ?? options.flags?.cwd ?? '.');
  const flags: Flags = { ...options.flags, cwd };
  const plan = async (): Promise<Plan> => {
    const { config, warnings } = await loadConfig({ flags, env, signal });
    for (const message of warnings) {
      onEvent({ type: 'log', level: 'warn', message, at: new Date().toISOString() });
    }
    const { targets = [], all = false, command } = options;
    const isDecided = targets.length > 0 || all || source === 'file';
    const environment =
      flags.environment ??
      config.build.environment ??
      (isDecided ? undefined : await environmentOfTool({ config, command, env, signal }));
    const devices = selectDevices(config, {
      targets,
      all,
      ...(environment === undefined ? {} : { builtEnvironment: environment }),
    });
    return makePlan({
      config,
      devices,
      source,
      environment: flags.environment,
      command,
      file: options.file === undefined ? undefined : resolve(cwd, options.file),
    });
  };
  return run(plan, {
    onEvent,
    signal,
    engine: options.engine ?? espota,
    allowed: options.allowed ?? new Set(),
    dryRun: options.dryRun === true,
    env,
    get stdin() {
      return options.stdin ?? process.stdin;
    },
    output: options.output ?? process.stderr,
    timeoutMs: options.timeoutMs,
  });
}

interface Undecided {
  readonly config: Config;
  readonly command: readonly string[] | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/** What the build tool builds by itself: asked only where it decides which of the devices are meant. */
async function environmentOfTool({ config, command, env, signal }: Undecided): Promise<string | undefined> {
  const { devices, defaultDevice } = config;
  const takers = devices.filter(({ environment }) => environment !== undefined);
  if (defaultDevice !== undefined || devices.length < 2 || takers.length === 0) return undefined;
  const { builtEnvironment } = await import('./build/index.ts');
  return builtEnvironment(buildRequestOf({ config, command }), { env, signal });
}
