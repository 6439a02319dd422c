/** Flags, variables and file → the configuration, each value with its origin. Pure. */

import { invocationCredentials } from './resolve-credential-source.ts';
import { defaultDeviceOf, deviceEntries, interfacesOf, resolveDevice } from './resolve-device.ts';
import { Ledger, type Sourced } from './ledger.ts';
import { pathText } from './problem.ts';
import type { ConfigFile } from './schema.ts';
import { besideFile, fromFile, fromInvocation, sourced, type Sources } from './sources.ts';
import type { AdHoc, BuildConfig, Config } from './types.ts';
import { withoutUndefined } from '../without-undefined.ts';

/**
 * Rank: flag, variable, configuration file, (here: the build tool's own files, once they are read), default. What a
 * device announces or an image says comes later still, where nothing here says anything.
 */
export function resolveConfig(sources: Sources): Config {
  const { file, flags, projectDir } = sources;
  const ledger = new Ledger();
  const defaultDevice = file && defaultDeviceOf(file.settings);
  ledger.chooseOptional('device', [fromFile(file, ['device'], defaultDevice)], 'the only device, else none');
  const devices = file
    ? deviceEntries(file.settings).map((entry) => resolveDevice(sources, ledger, entry))
    : [];
  const groups = file?.settings.groups ?? {};
  for (const [name, members] of Object.entries(groups))
    ledger.chooseOptional(pathText(['groups', name]), [fromFile(file, ['groups', name], members)]);
  const build = resolveBuild(sources, ledger);
  ledger.chooseOptional(
    'interfaces',
    [...fromInvocation(sources, 'interfaces'), fromFile(file, ['interfaces'], file?.settings.interfaces)],
    'all suitable ones',
  );
  return withoutUndefined({
    projectDir,
    file: file?.file,
    build,
    kind: flags.filesystem === true ? ('filesystem' as const) : ('firmware' as const),
    defaultDevice,
    devices,
    groups,
    adHoc: resolveAdHoc(sources),
    origins: ledger.origins,
  });
}

function resolveBuild(sources: Sources, ledger: Ledger): BuildConfig {
  const { file, defaultSketch } = sources;
  const build: NonNullable<ConfigFile['build']> = file?.settings.build ?? {};
  const written = <K extends keyof typeof build>(key: K) =>
    fromFile<(typeof build)[K]>(file, ['build', key], build[key]);
  const path = (key: 'sketch' | 'image' | 'filesystemImage'): Sourced<string> | undefined =>
    sourced(besideFile(file, build[key]), written(key)?.origin ?? '');
  // A command to build with says which tool it is.
  const impliedTool = build.command && fromFile(file, ['build', 'command'], 'command' as const);
  return withoutUndefined({
    tool: ledger.chooseOptional('build.tool', [written('tool'), impliedTool], 'found from the folder'),
    environment: ledger.chooseOptional(
      'build.environment',
      [...fromInvocation(sources, 'environment'), written('environment')],
      'what the project says, else its only one',
    ),
    fqbn: ledger.chooseOptional('build.fqbn', [written('fqbn')], 'what sketch.yaml says'),
    profile: ledger.chooseOptional('build.profile', [written('profile')]),
    sketch: ledger.choose('build.sketch', [path('sketch'), defaultSketch], defaultSketch.value),
    args: ledger.choose('build.args', [written('args')], []),
    command: ledger.chooseOptional('build.command', [written('command')]),
    image: ledger.chooseOptional('build.image', [path('image')]),
    filesystemImage: ledger.chooseOptional('build.filesystemImage', [path('filesystemImage')]),
  });
}

function resolveAdHoc(sources: Sources): AdHoc {
  const first = <T>(candidates: readonly (Sourced<T> | undefined)[]): T | undefined =>
    candidates.find((each) => each !== undefined)?.value;
  return {
    device: withoutUndefined({
      port: first(fromInvocation(sources, 'port')),
      platform: first(fromInvocation(sources, 'platform')),
      hostAddress: first(fromInvocation(sources, 'hostAddress')),
      hostPort: first(fromInvocation(sources, 'hostPort')),
      credentialSource: first(invocationCredentials(sources)) ?? { type: 'none' as const },
      acceptFrom: 'device' as const,
      engine: 'espota' as const,
      interfaces: interfacesOf(sources),
    }),
    passwordVariables: sources.passwordVariables,
  };
}
