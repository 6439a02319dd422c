/** `verify:` of a device, above that of the whole configuration, key by key. */

import { dirname } from 'node:path';
import type { HttpProof, VerifyConfig } from '../model/verification.ts';
import { withoutUndefined } from '../model/without-undefined.ts';
import type { ConfigFile, VerifySetting } from './schema.ts';
import { settings as table } from './settings/index.ts';
import type { Sourced } from '../model/project-facts.ts';
import { fromFile, sourced, type CheckedFile, type Ledger } from './sources.ts';

type VerifySettings = Exclude<NonNullable<VerifySetting>, string>;

interface Level {
  readonly path: readonly PropertyKey[];
  readonly settings: VerifySettings;
}

/** @param device its settings, and the key path that they stand under; `[]`: those of the whole file */
export function resolveVerify(
  file: CheckedFile<ConfigFile> | undefined,
  ledger: Ledger,
  device: {
    readonly label: string;
    readonly path: readonly PropertyKey[];
    readonly own: VerifySetting | undefined;
  },
): VerifyConfig | undefined {
  const { label } = device;
  const levels = [
    levelOf([...device.path, 'verify'], device.own),
    levelOf(['verify'], file?.settings.verify),
  ].filter((each) => each !== undefined);
  if (file === undefined || levels.length === 0) return undefined;
  const written = <K extends keyof VerifySettings>(key: K) =>
    levels.map(({ path, settings }) => fromFile<VerifySettings[K]>(file, [...path, key], settings[key]));
  const method = ledger.choose(
    `${label}.verify.method`,
    levels.map((level) => methodOf(file, level)),
    'auto',
  );
  const timeoutSeconds = ledger.choose(
    `${label}.verify.timeoutSeconds`,
    written('timeoutSeconds'),
    Number(table.verifySeconds.unsaid),
  );
  const [http] = levels.flatMap(({ path, settings }) =>
    settings.http === undefined ? [] : [{ path: [...path, 'http'], http: settings.http }],
  );
  for (const [key, value] of Object.entries(http?.http ?? {}))
    ledger.chooseOptional(`${label}.verify.http.${key}`, [
      fromFile(file, [...(http?.path ?? []), key], shown(value)),
    ]);
  const command = ledger.chooseOptional(`${label}.verify.command`, written('command'));
  return withoutUndefined({
    method,
    isAskedFor: method !== 'none' && (method !== 'auto' || http !== undefined || command !== undefined),
    timeoutMs: timeoutSeconds * 1000,
    http: http && proofOf(http.http),
    command,
    commandDir: command && dirname(file.file),
  });
}

/** That of the device, above `push.onVerifyFailed`. Undefined: it is only reported. */
export function onVerifyFailedOf(
  file: CheckedFile<ConfigFile> | undefined,
  ledger: Ledger,
  { label, own }: { readonly label: string; readonly own: Sourced<'report' | 'rollback'> | undefined },
): 'rollback' | undefined {
  const ofAll = fromFile(file, ['push', 'onVerifyFailed'], file?.settings.push?.onVerifyFailed);
  const chosen = ledger.chooseOptional(`${label}.onVerifyFailed`, [own, ofAll]);
  return chosen === 'rollback' ? chosen : undefined;
}

/** The short form spelled out. */
function levelOf(path: readonly PropertyKey[], given: VerifySetting | undefined): Level | undefined {
  if (given === undefined || given === null) return undefined;
  return { path, settings: typeof given === 'string' ? { method: given } : given };
}

/**
 * Who says how to prove it wants that proof, also where the level below says `none`; of two, and with `auto`, any that the
 * device can give.
 */
function methodOf(file: CheckedFile<ConfigFile>, { path, settings }: Level) {
  const { method, http, command } = settings;
  if (method !== undefined) return fromFile(file, [...path, 'method'], method);
  const [named, ...others] = [
    ...(http === undefined ? [] : ['http' as const]),
    ...(command === undefined ? [] : ['command' as const]),
  ];
  const implied = others.length > 0 ? ('auto' as const) : named;
  return sourced(implied, `${file.placeOf(path)}, as the proof it names`);
}

function proofOf({ json, ...rest }: NonNullable<VerifySettings['http']>): HttpProof {
  return withoutUndefined({ ...rest, json: json && { ...json, equals: String(json.equals) } });
}

const shown = (value: unknown): unknown =>
  typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
