/** A file's value → checked settings, or every mistake in it. */

import { isDeepStrictEqual } from 'node:util';
import { parseHost } from '../model/endpoint.ts';
import { describeIssue, type Issue } from './describe-issue.ts';
import { homedingUrl, isUrl } from './homeding-url.ts';
import { canonicalConfig, canonicalHomeding, type Canonical } from './homeding.ts';
import { passwordFileVariable } from './environment.ts';
import { passwordVariable } from '../model/secret.ts';
import { nearest } from './nearest.ts';
import { isMisplacedPassword, shownName } from './quoting.ts';
import { namesPassword, redacted } from '../model/redaction.ts';
import { notYet } from './not-yet.ts';
import { proofIssues } from './proof-issues.ts';
import { swallowedKeyIssues } from './swallowed-key.ts';
import { configFileSchema, homedingSchema, type ConfigFile, type HomedingFile } from './schema.ts';

export type Checked<T> = (
  { readonly ok: true; readonly settings: T } | { readonly ok: false; readonly issues: readonly Issue[] }
) & {
  /** A path of the settings, or of an issue, as it is written in the file. */
  readonly written: Canonical['written'];
};

const asWritten: Canonical['written'] = (path) => path;

/** Checks a whole configuration file. */
export function checkFile(value: unknown): Checked<ConfigFile> {
  if (!isRecord(value))
    return { ok: false, issues: [{ path: [], message: notAnObject(value) }], written: asWritten };
  const { value: canonical, written } = canonicalConfig(value);
  const own = withoutOtherElements(canonical);
  const misplaced = ['devices', 'groups'].flatMap((key) => misplacedIssues(key, recordOf(own[key])));
  if (misplaced.length > 0) return { ok: false, issues: misplaced, written };
  const result = configFileSchema.safeParse(own);
  const wrong = (result.error?.issues ?? []).flatMap((issue) => describeIssue(issue, own));
  const issues = [
    ...wrong,
    ...notYetIssues(own).filter(({ path }) => !wrong.some((each) => isDeepStrictEqual(each.path, path))),
    ...deviceIssues(own),
    ...proofIssues(own),
    ...groupIssues(own),
    ...defaultDeviceIssues(own),
    // What the schema refuses is not quoted, and stays so when it is corrected.
    ...(result.success ? swallowedKeyIssues(result.data) : []),
  ];
  return result.success && issues.length === 0
    ? { ok: true, settings: result.data, written }
    : { ok: false, issues, written };
}

/** Checks what `homeding:` names. */
export function checkHomeding(value: unknown): Checked<HomedingFile> {
  const { value: own, written } = canonicalHomeding(isRecord(value) ? value : {}, true);
  if (!(isRecord(own['ota']) || isRecord(own['device']))) {
    const message = 'holds no HomeDing settings: `ota.0` (port, passwd) and `device.0` (name) are looked for';
    return { ok: false, issues: [{ path: [], message }], written };
  }
  const result = homedingSchema.safeParse(own);
  if (result.success) return { ok: true, settings: result.data, written };
  return { ok: false, issues: result.error.issues.flatMap((issue) => describeIssue(issue, own)), written };
}

/** Alone, since each name beside it may be the rest of the password. */
function misplacedIssues(key: string, named: Record<string, unknown>): Issue[] {
  const name = Object.keys(named).find((each) => isMisplacedPassword(each, named[each]));
  if (name === undefined) return [];
  const what =
    key === 'devices'
      ? 'is a setting of a device: indent it below the name of the device'
      : 'is no name of a group';
  return [{ path: [key, name], message: what }];
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
 * {"0": {…}}}`) are the device's business; that shape distinguishes them from mistyped keys.
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
        : [{ path, message: 'is not supported in this version; remove it' }],
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
  const owners = new Map([[passwordFileVariable, 'the flag --password-file']]);
  for (const [name, device] of Object.entries(devices)) {
    const path = ['devices', name];
    const variable = passwordVariable(name);
    const owner = owners.get(variable);
    if (owner !== undefined)
      issues.push({
        path,
        message: `its password variable${shownName(name) === name ? ` ${variable}` : ''} is also that of ${owner}; rename it`,
      });
    owners.set(variable, `devices.${shownName(name)}`);
    if (!isRecord(device)) {
      if (typeof device === 'string' && namesPassword(device)) issues.push({ path, message: noHost });
      if (device === null && parseHost(name) === undefined) issues.push(needsHost(path));
      continue;
    }
    if (device['password'] !== undefined && device['passwordHash'] !== undefined)
      issues.push({
        path: [...path, 'passwordHash'],
        message: 'not together with `password`: remove one of them',
      });
    const { homeding } = device;
    if (typeof homeding === 'string' && isUrl(homeding) && homedingUrl(homeding) === undefined)
      issues.push({
        path: [...path, 'homeding'],
        message: 'must be a path, or http://NAME/env.json without a user name',
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

/** `passwordx`, where the colon was forgotten, could be a host name. */
const noHost = 'must be a host name or an address; a password stands behind `password: `, with the blank';

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
        ? `"${shownName(member)}" is a group: list its devices`
        : `"${redacted(member)}" is not under devices${meant === undefined ? '' : `; did you mean "${shownName(meant)}"?`}`;
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
  if (namesPassword(name)) return [{ path: ['device'], message: noHost }];
  if (names.length === 0) {
    if (parseHost(name) !== undefined) return [];
    return [{ path: ['device'], message: 'must be a host name or an address where no `devices` are listed' }];
  }
  if (names.includes(name)) return [];
  if (Object.hasOwn(recordOf(value['groups']), name))
    return [
      { path: ['device'], message: `"${shownName(name)}" is a group; the default target is one device` },
    ];
  const meant = nearest(name, names);
  const proposal =
    meant === undefined
      ? `; listed are: ${names.map(shownName).join(', ')}`
      : `; did you mean "${shownName(meant)}"?`;
  return [{ path: ['device'], message: `"${redacted(name)}" is not under devices${proposal}` }];
}

const recordOf = (value: unknown): Record<string, unknown> => (isRecord(value) ? value : {});

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
