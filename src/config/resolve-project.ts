/**
 * What the build tool's own files say about uploads → devices, and what they add to configured ones. Pure.
 *
 * A password never goes to another device than the one that it stands beside: where it is not certain which device is
 * meant, nothing is taken over.
 */

import { endpointText, parseHost } from '../model/endpoint.ts';
import { canonicalHost, withoutLocal } from '../model/host-name.ts';
import { withoutUndefined } from '../model/without-undefined.ts';
import type { ProjectUpload, Sourced } from '../model/project-facts.ts';
import { sourced } from './sources.ts';
import type { CredentialSource } from './types.ts';

/** A device as the build tool's own files have it. */
export interface ProjectDevice {
  /** Its host without `.local`; the empty text where no host is said. */
  readonly name: string;
  readonly host?: Sourced<string>;
  readonly port?: Sourced<number>;
  readonly credential?: Sourced<CredentialSource>;
  readonly hostAddress?: Sourced<string>;
  readonly hostPort?: Sourced<number>;
  /** Whose image it takes, as far as that is certain. */
  readonly environment?: Sourced<string>;
  readonly serves: readonly string[];
  readonly onlyByName: boolean;
}

interface Placed {
  readonly upload: ProjectUpload;
  readonly host: Sourced<string>;
  readonly port?: Sourced<number>;
}

/**
 * Every device that is named, each once, however many environments name it; then what is said without a host.
 *
 * @param chosen the environments that flags, files or the project's defaults choose; none: nobody chooses
 */
export function projectDevices(
  uploads: readonly ProjectUpload[],
  chosen: readonly Sourced<string>[],
): ProjectDevice[] {
  const isChosen = (name: string | undefined): boolean => chosen.some(({ value }) => value === name);
  const rank = ({ environment, serves, twinOf }: ProjectUpload): number => {
    if (isChosen(environment)) return 0;
    return serves.some(isChosen) ? 1 : twinOf === undefined ? 3 : 2;
  };
  const ranked = uploads.toSorted((a, b) => rank(a) - rank(b));
  const placed = ranked.flatMap(placedUpload);
  const groups = new Map<string, Placed[]>();
  for (const each of placed) {
    const key = keyOf(each, placed);
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  const devices = [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const port = group.find((each) => each.port !== undefined)?.port;
    const said = spoken(
      group.map(({ upload }) => upload),
      chosen,
    );
    const place = Math.min(...group.map(({ upload }) => uploads.indexOf(upload)));
    const name = nameOf(first, placed);
    return [{ place, device: { ...said, name, host: first.host, ...(port && { port }) } }];
  });
  // In the order of the files again, whoever's word counts most.
  const inOrder = devices.toSorted((a, b) => a.place - b.place).map(({ device }) => device);
  const rest = ranked.filter(({ host }) => host === undefined);
  return [...inOrder, ...rest.map((upload) => ({ ...spoken([upload], chosen), name: '' }))];
}

function placedUpload(upload: ProjectUpload): Placed[] {
  const { host, port } = upload;
  const address = host && parseHost(host.value);
  if (host === undefined || address === undefined) return [];
  const own = port ?? sourced(address.port, host.origin);
  return [{ upload, host: { ...host, value: address.host }, ...(own && { port: own }) }];
}

/** The same for the same device: a port that is known makes two of one host. */
function keyOf({ host, port }: Placed, all: readonly Placed[]): string {
  const known = portsAt(host.value, all);
  const only = known.size === 1 ? [...known][0] : undefined;
  return `${canonicalHost(host.value)} ${port?.value ?? only ?? ''}`;
}

function nameOf({ host, port }: Placed, all: readonly Placed[]): string {
  const name = withoutLocal(host.value);
  const isShared = portsAt(host.value, all).size > 1;
  return isShared && port !== undefined ? endpointText({ address: name, port: port.value }) : name;
}

function portsAt(host: string, all: readonly Placed[]): ReadonlySet<number> {
  const there = all.filter((each) => canonicalHost(each.host.value) === canonicalHost(host));
  return new Set(there.flatMap(({ port }) => (port === undefined ? [] : [port.value])));
}

/** What several environments say of one device: of each thing the first word. */
function spoken(
  uploads: readonly ProjectUpload[],
  chosen: readonly Sourced<string>[],
): Omit<ProjectDevice, 'name' | 'host'> {
  const first = <T>(pick: (upload: ProjectUpload) => T | undefined): T | undefined =>
    uploads.map(pick).find((each) => each !== undefined);
  const password = first((each) => each.password);
  const serves = [...new Set(uploads.flatMap((each) => each.serves))];
  const environment = environmentOf(uploads, chosen, serves);
  return withoutUndefined({
    port: first((each) => each.port),
    hostAddress: first((each) => each.hostAddress),
    hostPort: first((each) => each.hostPort),
    credential: password && { ...password, value: { type: 'text' as const, secret: password.value } },
    environment,
    serves,
    onlyByName: chosen.length > 0 && serves.length > 0 && !chosen.some(({ value }) => serves.includes(value)),
  });
}

/** The chosen one; without a choice the one that names the device, of twins the wireless one. */
function environmentOf(
  uploads: readonly ProjectUpload[],
  chosen: readonly Sourced<string>[],
  serves: readonly string[],
): Sourced<string> | undefined {
  const twins = uploads.flatMap(({ twinOf }) => twinOf ?? []);
  const owners = uploads.flatMap(({ environment, origin }) =>
    environment === undefined || twins.includes(environment) ? [] : [{ value: environment, origin }],
  );
  const ownChosen = chosen.filter(({ value }) => owners.some((owner) => owner.value === value));
  const served = chosen.filter(({ value }) => serves.includes(value));
  const [choice, ...others] = [ownChosen, served, owners].find((each) => each.length > 0) ?? [];
  return others.length === 0 ? choice : undefined;
}

/** A configured device, as far as it says where it is. */
export interface Claimant {
  readonly name: string;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly environment?: string | undefined;
}

/**
 * Which configured device is which of the project's: by its address or name. Else what is said without an address is said
 * of every device of that environment; with one it is of the device there, whoever else takes the same image.
 */
export function claims(
  claimants: readonly Claimant[],
  devices: readonly ProjectDevice[],
): ReadonlyMap<string, ProjectDevice> {
  const byHost = claimants.flatMap((claimant): [string, ProjectDevice][] => {
    const there = devices.filter((device) => isAt(claimant, device));
    const [one, ...others] = there.length > 1 ? there.filter((each) => takes(claimant, each)) : there;
    return one === undefined || others.length > 0 ? [] : [[claimant.name, one]];
  });
  const found = new Map(byHost);
  for (const claimant of claimants.filter(({ name }) => !found.has(name))) {
    const [device, ...more] = devices.filter((each) => each.host === undefined && takes(claimant, each));
    if (device !== undefined && more.length === 0) found.set(claimant.name, device);
  }
  return found;
}

function isAt({ name, host, port }: Claimant, device: ProjectDevice): boolean {
  if (device.host === undefined) return false;
  const isOtherPort = port !== undefined && device.port !== undefined && device.port.value !== port;
  const wanted = canonicalHost(device.host.value);
  return !isOtherPort && [name, host ?? name].some((each) => canonicalHost(each) === wanted);
}

const takes = ({ environment }: Claimant, { serves }: ProjectDevice): boolean =>
  environment !== undefined && serves.includes(environment);
