/** A project as it stands in its files at one moment, and everything that is asked once and kept until they change. */

import { existsSync } from 'node:fs';
import { imagePlaceOf, type ImagePlace } from '../builders/image-place.ts';
import type { BuildPlan } from '../builders/plan.ts';
import { planBuild } from '../builders/prepared.ts';
import type { SourcePaths } from '../builders/source-paths.ts';
import { sourcesOf } from '../builders/sources.ts';
import { saidText } from '../config/environment.ts';
import { resolveCredential } from '../config/index.ts';
import type { CredentialSource, DeviceConfig } from '../config/types.ts';
import type { ReadyDevice } from '../deploy/push-types.ts';
import { historyPlace } from '../deploy/history/place.ts';
import { planProject, type DeployProjectOptions, type PlannedProject } from '../deploy/deploy-project.ts';
import { makePlan, type Plan, type PlannedImage } from '../deploy/plan.ts';
import { readyDevice } from '../deploy/ready-device.ts';
import type { Credential, ImageKind } from '../model/types.ts';
import { scopeOf, type Scope } from './scope.ts';
import type { WatchRules } from './types.ts';

export interface Project extends Pick<PlannedProject, 'config' | 'devices' | 'warnings'> {
  /** What a person means without saying more: the firmware, except with `--filesystem`. */
  readonly kind: ImageKind;
  readonly scope: Scope;
  planOf(kind: ImageKind): Plan;
  /** What a build would run: asked once, as it takes longer than a save may. */
  buildPlanOf(planned: PlannedImage): Promise<BuildPlan>;
  /** Where each image of that kind will be; one that the tool does not tell of is missing. */
  placesOf(kind: ImageKind): Promise<ReadonlyMap<string, ImagePlace>>;
  /** With its password, which is fetched once: the user may be asked for it, or stdin hold it. */
  readyDevice(device: DeviceConfig): Promise<ReadyDevice>;
  /** Differs where another run would do something else. */
  readonly signature: string;
}

export interface ProjectOptions extends DeployProjectOptions {
  readonly signal: AbortSignal;
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: NonNullable<DeployProjectOptions['stdin']>;
}

/** Throws what the configuration, the selection of devices and the build tool say against it. */
export async function openProject(options: ProjectOptions): Promise<Project> {
  const { config, devices, plan, warnings } = await planProject(options);
  const { kind } = config;
  const context = { env: options.env, signal: options.signal };
  const buildPlans = new Map<string, Promise<BuildPlan>>();
  const credentials = new Map<string, Credential>();

  const planOf = (wanted: ImageKind): Plan => {
    if (wanted === kind) return plan;
    const { command, flags, source = 'build' } = options;
    const environment = saidText('environment', { flags, env: options.env });
    return makePlan({ config: { ...config, kind: wanted }, devices, source, environment, command });
  };
  const buildPlanOf = ({ key, kind: ofKind, request }: PlannedImage): Promise<BuildPlan> => {
    const id = `${ofKind} ${key}`;
    const known = buildPlans.get(id);
    if (known !== undefined) return known;
    const asked = planBuild(request, context);
    buildPlans.set(id, asked);
    // A question that failed is asked again.
    asked.catch(() => buildPlans.delete(id));
    return asked;
  };

  const sources = Promise.all(
    plan.images.map(async (image) => sourcesOf(image.request, await buildPlanOf(image), context)),
  );
  // Where somebody else builds, nobody has to know from what.
  const all = options.source === 'build' ? await sources : await sources.catch(() => []);
  return {
    config,
    devices,
    warnings,
    kind,
    scope: scopeOf({ sources: withHistory(union(all), { config, env: options.env }), ...config.watch }),
    planOf,
    buildPlanOf,
    async placesOf(wanted) {
      const places = new Map<string, ImagePlace>();
      for (const { key, request } of planOf(wanted).images) {
        const place = await imagePlaceOf(request, context);
        if (place !== undefined) places.set(key, place);
      }
      return places;
    },
    async readyDevice(device) {
      const credential =
        credentials.get(device.name) ??
        (await resolveCredential(device, { ...context, stdin: options.stdin }));
      credentials.set(device.name, credential);
      const known = { ...device, credentialSource: sourceOf(credential) };
      return readyDevice(known, { ...context, stdin: options.stdin });
    },
    signature: JSON.stringify([plan, devices, config.push, config.watch]),
  };
}

/** Folders of the file system that are gone: without them it would be made of nothing, and wipe what the device has. */
export function goneDataOf({ scope }: Project): readonly string[] {
  return scope.data.filter((path) => !existsSync(path));
}

/** `builds`: false where somebody else does. */
export function rulesOf(project: Project, builds: boolean): WatchRules {
  const isWanted = project.kind === 'filesystem' || project.config.push.filesystem === 'on-change';
  // Asked at each change of thousands: the disk is looked at only where it matters.
  const isOnChange = isWanted && !(builds && goneDataOf(project).length > 0);
  return { filesystem: isOnChange ? 'on-change' : 'never', stopsBuilds: builds };
}

function sourceOf(credential: Credential): CredentialSource {
  if (credential.type === 'none') return credential;
  return { type: credential.type === 'password' ? 'text' : 'hash', secret: credential.secret };
}

/** A shared history may lie in the project: what a push writes there must not be a change that is pushed. */
function withHistory(
  sources: SourcePaths,
  { config, env }: { readonly config: PlannedProject['config']; readonly env: NodeJS.ProcessEnv },
): SourcePaths {
  const place = historyPlace(env, { shared: config.history?.dir });
  return place === undefined ? sources : { ...sources, products: [...sources.products, place.folder] };
}

function union(all: readonly SourcePaths[]): SourcePaths {
  const of = (name: keyof SourcePaths): string[] => [...new Set(all.flatMap((sources) => sources[name]))];
  return {
    firmware: of('firmware'),
    libraries: of('libraries'),
    filesystem: of('filesystem'),
    project: of('project'),
    products: of('products'),
  };
}
