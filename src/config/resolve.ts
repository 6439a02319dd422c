/** Flags, variables and file → the configuration, each value with its origin. Pure. */

import { dirname, resolve } from 'node:path';
import { invocationCredentials, secretVariablesOf } from './resolve-credential-source.ts';
import {
  claimantOf,
  defaultDeviceOf,
  deviceEntries,
  interfacesOf,
  resolveDevice,
  type DeviceEntry,
} from './resolve-device.ts';
import { claims, projectDevices, type ProjectDevice } from './resolve-project.ts';
import type { Sourced } from '../model/project-facts.ts';
import { isUrl } from './homeding-url.ts';
import { pathText } from './problem.ts';
import { onVerifyFailedOf, resolveVerify } from './resolve-verify.ts';
import type { ConfigFile } from './schema.ts';
import { settings } from './settings/index.ts';
import { besideFile, fromFile, fromInvocation, Ledger, sourced, type ConfigSources } from './sources.ts';
import type { AdHoc, BuildConfig, Config, DeviceConfig, HookConfig, WatchConfig } from './types.ts';
import { withoutUndefined } from '../model/without-undefined.ts';

/**
 * Rank: flag, variable, configuration file, the build tool's own files (where they were asked), default. What a device
 * announces or an image says comes later still, where nothing here says anything.
 */
export function resolveConfig(sources: ConfigSources): Config {
  const { file, flags, overrides, project, projectDir } = sources;
  const ledger = new Ledger();
  const buildLedger = new Ledger();
  const build = resolveBuild(sources, buildLedger);
  const defaultDevice = file && defaultDeviceOf(file.settings);
  ledger.chooseOptional('device', [fromFile(file, ['device'], defaultDevice)], 'the only device, else none');
  const chosen = chosenEnvironments(sources, build, buildLedger);
  const { devices, known } = resolveDevices(sources, ledger, { build, chosen });
  const groups = file?.settings.groups ?? {};
  for (const [name, members] of Object.entries(groups))
    ledger.chooseOptional(pathText(['groups', name]), [fromFile(file, ['groups', name], members)]);
  ledger.origins.push(...buildLedger.origins);
  ledger.chooseOptional(
    'interfaces',
    [...fromInvocation(sources, 'interfaces'), fromFile(file, ['interfaces'], file?.settings.interfaces)],
    settings.interfaces.unsaid,
  );
  const { filesystem, skipUnchanged } = file?.settings.push ?? {};
  return withoutUndefined({
    projectDir,
    file: file?.file,
    build,
    kind:
      (flags.filesystem ?? overrides.filesystem) === true ? ('filesystem' as const) : ('firmware' as const),
    defaultDevice,
    devices,
    groups,
    adHoc: resolveAdHoc(sources, known),
    secretVariables: file && secretVariablesOf(file.settings),
    watch: resolveWatch(sources, ledger),
    push: {
      filesystem: ledger.choose(
        'push.filesystem',
        [fromFile(file, ['push', 'filesystem'], filesystem)],
        settings.pushFilesystem.unsaid,
      ),
      skipUnchanged: ledger.choose(
        'push.skipUnchanged',
        [fromFile(file, ['push', 'skipUnchanged'], skipUnchanged)],
        true,
      ),
    },
    hook: resolveHook(sources, ledger),
    history: resolveHistory(sources, ledger),
    project:
      project &&
      withoutUndefined({ environment: project.environment?.value, environments: project.environments }),
    files: filesOf(sources),
    origins: ledger.origins,
  });
}

/** The environments that somebody chooses to build: by flag, variable or file, else the project's own defaults. */
function chosenEnvironments(
  { project, isFile }: ConfigSources,
  { environment }: BuildConfig,
  { origins }: Ledger,
): Sourced<string>[] {
  if (environment !== undefined) {
    const row = origins.find(({ path }) => path === 'build.environment');
    return [{ value: environment, origin: row?.origin ?? '' }];
  }
  if (isFile === true) return [];
  const origin = project?.environment?.origin ?? "the project's default environments";
  return (project?.defaultEnvironments ?? []).map((value) => ({ value, origin }));
}

/**
 * Of a project without configured devices its own upload targets are the devices. Otherwise they add to the configured
 * ones what those do not say, and the rest is known in case that its address is typed.
 */
function resolveDevices(
  sources: ConfigSources,
  ledger: Ledger,
  { build, chosen }: { readonly build: BuildConfig; readonly chosen: readonly Sourced<string>[] },
): { devices: DeviceConfig[]; known: DeviceConfig[] } {
  const { file, project } = sources;
  const entries = file ? deviceEntries(file.settings) : [];
  const found = projectDevices(project?.uploads ?? [], chosen);
  const named = found.filter(({ host }) => host !== undefined);
  if (entries.length === 0)
    return { devices: named.map((device) => resolveNamed(sources, ledger, device)), known: [] };
  const claimed = claims(
    entries.map((entry) => claimantOf(sources, entry)),
    found,
  );
  // Which image a device takes is for `.otarc` to say; flag and variable choose among the images, not among the devices.
  const isSaid = fromInvocation(sources, 'environment').some((each) => each !== undefined);
  const isDecided = !isSaid && build.environment !== undefined;
  const devices = entries.map((entry) => {
    const { environment, ...rest } = claimed.get(entry.name) ?? noDevice;
    return resolveDevice(sources, ledger, entry, {
      ...rest,
      ...(!isDecided && environment && { environment }),
    });
  });
  const unclaimed = named.filter((device) => ![...claimed.values()].includes(device));
  return { devices, known: unclaimed.map((device) => resolveNamed(sources, new Ledger(), device)) };
}

const noDevice: ProjectDevice = { name: '', serves: [], onlyByName: false };

/** A device that only the build tool's own files name. */
function resolveNamed(sources: ConfigSources, ledger: Ledger, device: ProjectDevice): DeviceConfig {
  const entry: DeviceEntry = { name: device.name, path: ['devices', device.name], settings: {} };
  const resolved = resolveDevice(sources, ledger, entry, device);
  return device.onlyByName ? { ...resolved, onlyByName: true } : resolved;
}

function resolveWatch({ file, projectDir }: ConfigSources, ledger: Ledger): WatchConfig {
  const { paths, ignore } = file?.settings.watch ?? {};
  const ignoreDir = file === undefined ? projectDir : dirname(file.file);
  const absolute = paths?.map((path) => resolve(ignoreDir, path));
  const [pathsKey, ignoreKey] = ['watch.paths', 'watch.ignore'];
  const place = (key: string): string => file?.placeOf(['watch', key]) ?? '';
  return {
    paths:
      ledger.chooseOptional(pathsKey, [sourced(absolute, place('paths'))], settings.watchPaths.unsaid) ?? [],
    ignore:
      ledger.chooseOptional(ignoreKey, [sourced(ignore, place('ignore'))], settings.watchIgnore.unsaid) ?? [],
    ignoreDir,
  };
}

function resolveHistory(sources: ConfigSources, ledger: Ledger): Config['history'] {
  const { file, projectDir } = sources;
  const said = fromInvocation(sources, 'historyDir').map(
    (each) => each && { ...each, value: resolve(projectDir, each.value) },
  );
  const written = besideFile(file, file?.settings.history?.dir);
  const dir = ledger.chooseOptional(
    'history.dir',
    [...said, fromFile(file, ['history', 'dir'], written)],
    settings.historyDir.unsaid,
  );
  return dir === undefined ? undefined : { dir };
}

function resolveHook({ file, folder }: ConfigSources, ledger: Ledger): HookConfig {
  const written = file?.settings.hook?.pushOnBuild;
  const pushOnBuild = ledger.choose(
    'hook.pushOnBuild',
    [fromFile(file, ['hook', 'pushOnBuild'], written)],
    false,
  );
  return withoutUndefined({
    pushOnBuild,
    folder: written === undefined ? undefined : folder,
  });
}

function filesOf({ file, secretsFile, homeding }: ConfigSources): string[] {
  const all = [file?.file, secretsFile?.file, ...[...homeding.values()].map((each) => each.file)];
  return [...new Set(all.flatMap((each) => (each === undefined || isUrl(each) ? [] : [each])))];
}

function resolveBuild(sources: ConfigSources, ledger: Ledger): BuildConfig {
  const { file, defaultSketch, project } = sources;
  const build: NonNullable<ConfigFile['build']> = file?.settings.build ?? {};
  const written = <K extends keyof typeof build>(key: K) =>
    fromFile<(typeof build)[K]>(file, ['build', key], build[key]);
  const path = (key: 'sketch' | 'image' | 'filesystemImage'): Sourced<string> | undefined =>
    sourced(besideFile(file, build[key]), written(key)?.origin ?? '');
  // A command to build with says which tool it is.
  const impliedTool = build.command && fromFile(file, ['build', 'command'], 'command' as const);
  return withoutUndefined({
    tool: ledger.chooseOptional(
      'build.tool',
      [written('tool'), impliedTool],
      settings.tool.unsaid,
      project && { value: project.tool, origin: 'default: found from the folder' },
    ),
    environment: ledger.chooseOptional(
      'build.environment',
      [...fromInvocation(sources, 'environment'), written('environment')],
      settings.environment.unsaid,
      project?.environment,
    ),
    fqbn: ledger.chooseOptional('build.fqbn', [written('fqbn')], settings.fqbn.unsaid, project?.fqbn),
    profile: ledger.chooseOptional('build.profile', [written('profile')], undefined, project?.profile),
    sketch: ledger.choose('build.sketch', [path('sketch'), defaultSketch], defaultSketch.value),
    args: ledger.choose('build.args', [written('args')], []),
    command: ledger.chooseOptional('build.command', [written('command')]),
    image: ledger.chooseOptional('build.image', [path('image')]),
    filesystemImage: ledger.chooseOptional('build.filesystemImage', [path('filesystemImage')]),
  });
}

function resolveAdHoc(sources: ConfigSources, known: readonly DeviceConfig[]): AdHoc {
  const { projectDir, flags, overrides, passwordVariables, secretsFile } = sources;
  const first = <T>(candidates: readonly (Sourced<T> | undefined)[]): T | undefined =>
    candidates.find((each) => each !== undefined)?.value;
  return {
    device: withoutUndefined({
      port: first(fromInvocation(sources, 'port')),
      platform: first(fromInvocation(sources, 'platform')),
      hostAddress: first(fromInvocation(sources, 'hostAddress')),
      hostPort: first(fromInvocation(sources, 'hostPort')),
      credentialSource: first(invocationCredentials(sources)) ?? { type: 'none' as const },
      acceptFrom: settings.acceptFrom.unsaid,
      engine: settings.engine.unsaid,
      verify: resolveVerify(sources.file, new Ledger(), { label: '', path: [], own: undefined }),
      onVerifyFailed: onVerifyFailedOf(sources.file, new Ledger(), { label: '', own: undefined }),
      interfaces: interfacesOf(sources),
    }),
    invocation: { projectDir, flags, overrides, passwordVariables, secretsFile },
    ...(known.length > 0 && { known }),
  };
}
