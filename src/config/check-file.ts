/** A file's value → checked settings, or every mistake in it. */

import { isDeepStrictEqual } from 'node:util';
import { parseHost } from './address.ts';
import { describeIssue, type Issue } from './describe-issue.ts';
import { passwordVariable } from '../model/secret.ts';
import { nearest } from './nearest.ts';
import { notYet } from './not-yet.ts';
import { configFileSchema, homedingSchema, type ConfigFile, type HomedingFile } from './schema.ts';

export type Checked<T> =
  { readonly ok: true; readonly settings: T } | { readonly ok: false; readonly issues: readonly Issue[] };

/** Checks a whole configuration file. */
export function checkFile(value: unknown): Checked<ConfigFile> {
  if (!isRecord(value)) return { ok: false, issues: [{ path: [], message: notAnObject(value) }] };
  const own = withoutOtherElements(value);
  const result = configFileSchema.safeParse(own);
  const wrong = (result.error?.issues ?? []).flatMap((issue) => describeIssue(issue, own));
  const issues = [
    ...wrong,
    ...notYetIssues(own).filter(({ path }) => !wrong.some((each) => isDeepStrictEqual(each.path, path))),
    ...deviceIssues(own),
    ...groupIssues(own),
    ...defaultDeviceIssues(own),
  ];
  return result.success && issues.length === 0 ? { ok: true, settings: result.data } : { ok: false, issues };
}

/** Checks what `homeding:` names. */
export function checkHomeding(value: unknown): Checked<HomedingFile> {
  if (!isRecord(value) || !(isRecord(value['ota']) || isRecord(value['device']))) {
    const message = 'holds no HomeDing settings: `ota.0` (port, passwd) and `device.0` (name) are looked for';
    return { ok: false, issues: [{ path: [], message }] };
  }
  const result = homedingSchema.safeParse(value);
  if (result.success) return { ok: true, settings: result.data };
  return { ok: false, issues: result.error.issues.flatMap((issue) => describeIssue(issue, value)) };
}

function notAnObject(value: unknown): string {
  if (typeof value === 'function') return 'must export an object, not a function';
  const cure = 'write `key: value` lines, or JSON in braces';
  return Array.isArray(value)
    ? `holds a list instead of settings: ${cure}`
    : `holds only a ${typeof value === 'string' ? 'text' : typeof value} instead of settings: ${cure}`;
}

/**
 * A HomeDing `env.json` may stand where a device or a whole configuration may. Its other elements (`{"ntptime":
 * {"0": {…}}}`) are the device's business; they are told from mistyped keys by that shape.
 */
function withoutOtherElements(value: Record<string, unknown>): Record<string, unknown> {
  const devices = value['devices'];
  const own = isRecord(value['ota']) ? onlyKnownElements(value, configFileSchema.shape) : value;
  if (!isRecord(devices)) return own;
  const described = Object.entries(devices).map(([name, device]) => [
    name,
    isRecord(device) && isRecord(device['ota']) ? onlyKnownElements(device, {}) : device,
  ]);
  return { ...own, devices: Object.fromEntries(described) };
}

function onlyKnownElements(value: Record<string, unknown>, known: object): Record<string, unknown> {
  const isOtherElement = ([key, each]: [string, unknown]): boolean =>
    !['ota', 'device', 'verify'].includes(key) &&
    !Object.hasOwn(known, key) &&
    isRecord(each) &&
    Object.values(each).every(isRecord);
  return Object.fromEntries(Object.entries(value).filter((entry) => !isOtherElement(entry)));
}

function notYetIssues(value: Record<string, unknown>): Issue[] {
  return notYet.flatMap((row) =>
    matches(value, row.path).flatMap(({ path, found }) =>
      found === undefined || row.asIs.some((asIs) => isDeepStrictEqual(asIs, found))
        ? []
        : [{ path, message: 'is known but this version does not do it yet; remove it' }],
    ),
  );
}

function matches(
  value: unknown,
  pattern: readonly string[],
  path: readonly string[] = [],
): { path: readonly string[]; found: unknown }[] {
  const [segment, ...rest] = pattern;
  if (segment === undefined) return [{ path, found: value }];
  if (!isRecord(value)) return [];
  const keys = segment === '*' ? Object.keys(value) : [segment];
  return keys.flatMap((key) => matches(value[key], rest, [...path, key]));
}

function deviceIssues(value: Record<string, unknown>): Issue[] {
  const devices = recordOf(value['devices']);
  const issues: Issue[] = [];
  // The variable of a device called "file" would be the one of the flag `--password-file`.
  const owners = new Map([['OTARC_PASSWORD_FILE', 'the flag --password-file']]);
  for (const [name, device] of Object.entries(devices)) {
    const path = ['devices', name];
    const variable = passwordVariable(name);
    const owner = owners.get(variable);
    if (owner !== undefined)
      issues.push({ path, message: `its password variable ${variable} is also that of ${owner}; rename it` });
    owners.set(variable, `devices.${name}`);
    if (!isRecord(device)) {
      if (device === null && parseHost(name) === undefined) issues.push(needsHost(path));
      continue;
    }
    if (device['password'] !== undefined && device['passwordHash'] !== undefined)
      issues.push({
        path: [...path, 'passwordHash'],
        message: 'not together with `password`: remove one of them',
      });
    const isNamed = ['host', 'homeding', 'device'].some((key) => device[key] !== undefined);
    if (!isNamed && parseHost(name) === undefined) issues.push(needsHost(path));
    const host = typeof device['host'] === 'string' ? parseHost(device['host']) : undefined;
    if (host?.port !== undefined && device['port'] !== undefined && device['port'] !== host.port)
      issues.push({
        path: [...path, 'port'],
        message: 'differs from the port in `host`: remove one of them',
      });
  }
  return issues;
}

const needsHost = (path: readonly string[]): Issue => ({
  path,
  message: 'needs a `host`, because its name is no host name',
});

function groupIssues(value: Record<string, unknown>): Issue[] {
  const devices = Object.keys(recordOf(value['devices']));
  const groups = recordOf(value['groups']);
  return Object.entries(groups).flatMap(([name, members]) => {
    const path = ['groups', name];
    const issues: Issue[] = [];
    if (devices.includes(name))
      issues.push({ path, message: 'has the name of a device; rename one of them' });
    if (!Array.isArray(members)) return issues;
    for (const [index, member] of members.entries()) {
      if (typeof member !== 'string' || devices.includes(member)) continue;
      const meant = nearest(member, devices);
      const message = Object.hasOwn(groups, member)
        ? `"${member}" is a group: list its devices`
        : `"${member}" is not under devices${meant === undefined ? '' : `; did you mean "${meant}"?`}`;
      issues.push({ path: [...path, index], message });
    }
    return issues;
  });
}

function defaultDeviceIssues(value: Record<string, unknown>): Issue[] {
  const { device, ota } = value;
  const names = Object.keys(recordOf(value['devices']));
  if (ota !== undefined || isRecord(device)) {
    if (names.length > 0) {
      const path = [ota === undefined ? 'device' : 'ota'];
      return [{ path, message: 'describes one device: put it under devices.NAME' }];
    }
    const element = recordOf(recordOf(device)['0']);
    if (device === undefined || (isRecord(device) && element['name'] === undefined))
      return [
        { path: ['device', '0', 'name'], message: 'is missing: it names the device that `ota` describes' },
      ];
    if (ota === undefined)
      return [{ path: ['ota'], message: 'is missing: `device.0` alone says no port or password' }];
  }
  const name = typeof device === 'string' ? device : recordOf(recordOf(device)['0'])['name'];
  if (typeof name !== 'string' || name === '') return [];
  if (names.length === 0) {
    if (parseHost(name) !== undefined) return [];
    return [{ path: ['device'], message: 'must be a host name or an address where no `devices` are listed' }];
  }
  if (names.includes(name)) return [];
  if (Object.hasOwn(recordOf(value['groups']), name))
    return [{ path: ['device'], message: `"${name}" is a group; the default target is one device` }];
  const meant = nearest(name, names);
  const proposal = meant === undefined ? `; listed are: ${names.join(', ')}` : `; did you mean "${meant}"?`;
  return [{ path: ['device'], message: `"${name}" is not under devices${proposal}` }];
}

const recordOf = (value: unknown): Record<string, unknown> => (isRecord(value) ? value : {});

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
