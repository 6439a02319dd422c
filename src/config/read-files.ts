/** The configuration file and what it names: read, checked, with every mistake. Loaded only where there is a file. */

import { dirname, resolve } from 'node:path';
import { OtaError } from '../model/errors.ts';
import { checkFile, checkHomeding } from './check-file.ts';
import type { Issue } from './describe-issue.ts';
import { homedingUrl, isInSafeMode, shownUrl } from './homeding.ts';
import type { FindHost } from './homeding-device.ts';
import { loadConfigFile, type LoadedFile } from './load.ts';
import { parseText } from './parse-text.ts';
import type { ConfigProblem } from './problem.ts';
import { shownKeyPath, shownName } from './quoting.ts';
import type { ConfigFile, HomedingFile } from './schema.ts';
import type { CheckedFile } from './sources.ts';

interface Context {
  readonly signal: AbortSignal;
  readonly findHost: FindHost | undefined;
}

export interface ReadFiles {
  readonly file?: CheckedFile<ConfigFile>;
  /** What the devices' own HomeDing JSON says, by the device's name. */
  readonly homeding: ReadonlyMap<string, CheckedFile<HomedingFile>>;
  readonly problems: readonly ConfigProblem[];
  /** Sentences for a person. */
  readonly warnings: readonly string[];
}

/**
 * @param path absolute
 * @throws OtaError CONFIG_UNREADABLE; CANCELLED
 */
export async function readFiles(path: string, context: Context): Promise<ReadFiles> {
  const loaded = await loadConfigFile(path, context.signal);
  const checked = checkFile(loaded.value);
  const file = writtenAs(loaded, checked);
  const homeding = new Map<string, CheckedFile<HomedingFile>>();
  if (!checked.ok) return { homeding, problems: problemsOf(file, checked.issues), warnings: [] };
  const { settings } = checked;
  const devices = Object.entries(settings.devices ?? {}).flatMap(([name, device]) =>
    typeof device === 'object' && device !== null ? [{ name, device }] : [],
  );
  const problems: ConfigProblem[] = [];
  const warnings: string[] = [];
  const unsafe = (name: string, place: string): void =>
    void warnings.push(
      `${place}: ${shownName(name)} is in HomeDing's safe mode, in which it starts no OTA: a push finds nobody. Set "safemode" to "false" and restart it.`,
    );
  if (typeof settings.device === 'object' && isInSafeMode(settings))
    unsafe(settings.device['0']?.name ?? 'the device', file.placeOf(['device', '0', 'safemode']));
  const read = devices.map(async ({ name, device }) => {
    if (isInSafeMode(device)) unsafe(name, file.placeOf(['devices', name, 'device', '0', 'safemode']));
    if (device.homeding === undefined) return;
    const own = await homedingOf(device.homeding, { ...context, folder: dirname(path), warnings });
    if (own === undefined) return;
    const result = checkHomeding(own.value);
    const source = writtenAs(own, result);
    if (!result.ok) return void problems.push(...problemsOf(source, result.issues));
    if (isInSafeMode(result.settings)) unsafe(name, source.placeOf(['device', '0', 'safemode']));
    homeding.set(name, { ...source, settings: result.settings });
  });
  await Promise.all(read);
  return { file: { ...file, settings }, homeding, problems, warnings };
}

/** A device that is off must not keep anybody from pushing to the others. */
async function homedingOf(
  place: string,
  { folder, warnings, ...context }: Context & { readonly folder: string; readonly warnings: string[] },
): Promise<LoadedFile | undefined> {
  const url = homedingUrl(place);
  if (url === undefined) return loadConfigFile(resolve(folder, place), context.signal);
  const { readFromDevice } = await import('./homeding-device.ts');
  try {
    const text = await readFromDevice(url, context);
    const { value, lineOf } = parseText(shownUrl(url), text);
    const placeOf: LoadedFile['placeOf'] = (path) => `${shownUrl(url)}:${lineOf(path) ?? 1}`;
    return { file: shownUrl(url), value, placeOf };
  } catch (error) {
    if (!(error instanceof OtaError) || error.code === 'CANCELLED') throw error;
    warnings.push(`${error.message} Its name, port and password are not known from there.`);
    return undefined;
  }
}

function writtenAs(
  { file, placeOf }: LoadedFile,
  { written }: ReturnType<typeof checkHomeding | typeof checkFile>,
): Pick<CheckedFile<unknown>, 'file' | 'placeOf'> {
  return { file, placeOf: (path) => placeOf(written(path)) };
}

function problemsOf(file: Pick<CheckedFile<unknown>, 'placeOf'>, issues: readonly Issue[]): ConfigProblem[] {
  return issues
    .map(({ path, message, isOrdinaryKey }) => ({
      place: file.placeOf(path),
      path: shownKeyPath(path, isOrdinaryKey),
      message,
    }))
    .toSorted((a, b) => a.place.localeCompare(b.place, 'en', { numeric: true }));
}
